"""Ends an event loop with all its tasks, also those that take one cancellation for another's and go on."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

log = logging.getLogger(__name__)

#: How often tasks are cancelled, and seconds between two times.
TIMES, PAUSE = 40, 0.25


def run_to_the_end(main: Coroutine[Any, Any, None], pause: float = PAUSE) -> None:
    """Run `main` in a loop of its own, and end every task that it leaves; raises what `main` raises.

    `asyncio.run` would wait without a limit for tasks, asynchronous generators and threads that do not end, and nobody
    would see that. Here what does not end in time is left behind with its loop, and never runs again.

    Args:
        pause: seconds between two cancellations, and for the generators.
    """
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(main)
    finally:
        try:
            if not loop.run_until_complete(_ended(pause)):
                log.error("some tasks of the watch layer do not end, and are left behind")
        finally:
            loop.close()


async def _ended(pause: float) -> bool:
    all_gone = await cancel_others(pause)
    generators = asyncio.create_task(asyncio.get_running_loop().shutdown_asyncgens())
    _done, pending = await asyncio.wait({generators}, timeout=pause)
    return all_gone and not pending


async def cancel_others(pause: float = PAUSE) -> bool:
    """Cancel all tasks of this loop but the present one until none is left; whether that succeeded.

    Once is not enough: a task that catches `CancelledError` for something that it waits for cannot tell whether it was
    meant itself, and what was swallowed does not come again.
    """
    present = asyncio.current_task()
    for _ in range(TIMES):
        others = asyncio.all_tasks() - {present}
        if not others:
            return True
        for task in others:
            task.cancel()
        done, _pending = await asyncio.wait(others, timeout=pause)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.debug("a task failed while it was ended", exc_info=error)
    return False
