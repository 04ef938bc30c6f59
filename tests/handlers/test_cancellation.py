"""Whatever tasks make of it, in the end all are gone."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from certwright.handlers.cancellation import cancel_others, run_to_the_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator


async def deaf(times: int) -> None:
    """Takes the first cancellations for somebody else's."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()


async def failing() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ValueError("this one ends in its own way")


async def fertile() -> None:
    """Begins another task as it ends."""
    try:
        await asyncio.Event().wait()
    finally:
        asyncio.get_running_loop().create_task(deaf(1), name="child")


@pytest.mark.parametrize("kinds", [[], [0], [1], [3], [0, 1, 2, 3]], ids=str)
def test_tasks_end_however_often_they_go_on(kinds: list[int]) -> None:
    async def main() -> tuple[bool, int]:
        tasks = [asyncio.create_task(deaf(times)) for times in kinds]
        await asyncio.sleep(0)
        return await cancel_others(), sum(not task.done() for task in tasks)

    assert asyncio.run(main()) == (True, 0)


def test_a_task_that_fails_meanwhile_holds_up_nothing() -> None:
    async def main() -> bool:
        task = asyncio.create_task(failing())
        await asyncio.sleep(0)
        return await cancel_others() and task.done()

    assert asyncio.run(main())


def test_tasks_that_begin_meanwhile_end_too() -> None:
    async def main() -> tuple[bool, int]:
        task = asyncio.create_task(fertile())
        await asyncio.sleep(0)
        return await cancel_others() and task.done(), len(asyncio.all_tasks())

    assert asyncio.run(main()) == (True, 1)


FOR_EVER = 10**9
MOMENT = 0.001


async def clinging() -> AsyncIterator[int]:
    """A generator that does not let itself be closed."""
    try:
        yield 1
    finally:
        await deaf(FOR_EVER)


async def holding_a_generator() -> None:
    async for _ in clinging():
        await asyncio.Event().wait()


async def waiting_for_a_thread() -> None:
    """A thread of the loop's own pool that is at work for ever: as long as the test runs, at least."""
    await asyncio.get_running_loop().run_in_executor(None, released.wait)


released = threading.Event()


@pytest.fixture(autouse=True)
def _threads_end() -> Iterator[None]:
    released.clear()
    yield
    released.set()


LEFT: list[Callable[[], Coroutine[None, None, None]]] = [
    lambda: deaf(FOR_EVER),
    lambda: deaf(3),
    failing,
    fertile,
    holding_a_generator,
    waiting_for_a_thread,
]


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize("raised", [None, ValueError("kopf gave up"), SystemExit(3)], ids=repr)
def test_the_loop_ends_whatever_is_left_in_it_and_however_it_ended(
    left: Callable[[], Coroutine[None, None, None]], raised: BaseException | None
) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        kept.append(asyncio.create_task(left()))
        await asyncio.sleep(MOMENT)
        if raised is not None:
            raise raised

    kept: list[asyncio.Task[None]] = []
    ended: list[BaseException | None] = []

    def run() -> None:
        try:
            run_to_the_end(main(), MOMENT)
        except BaseException as error:  # noqa: BLE001  also what would end a process
            ended.append(error)
        else:
            ended.append(None)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(20)
    assert ended == [raised]
    assert loops[0].is_closed()


def test_what_does_not_end_is_told(caplog: pytest.LogCaptureFixture) -> None:
    kept = []

    async def main(times: int) -> None:
        kept.append(asyncio.create_task(deaf(times)))
        await asyncio.sleep(0)

    def told() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name.startswith("certwright")]

    run_to_the_end(main(3), MOMENT)
    assert told() == []
    run_to_the_end(main(FOR_EVER), MOMENT)
    assert told() == ["some tasks of the watch layer do not end, and are left behind"]
