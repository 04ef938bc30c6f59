"""Whatever tasks make of it, in the end all are gone."""

from __future__ import annotations

import asyncio

import pytest

from certwright.handlers.cancellation import cancel_others


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
