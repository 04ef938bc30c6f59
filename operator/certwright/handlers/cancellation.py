"""Ends every other task of an event loop, also those that take one cancellation for another's and go on."""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger(__name__)

#: How often tasks are cancelled, and seconds between two times.
TIMES, PAUSE = 40, 0.25


async def cancel_others() -> bool:
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
        done, _pending = await asyncio.wait(others, timeout=PAUSE)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                log.debug("a task failed while it was ended", exc_info=error)
    return False
