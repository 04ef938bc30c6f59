"""Log lines: one constant sentence with facts beside it, as text or JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

#: What every record has; everything else on a record is a fact that the caller added.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: Libraries that say at DEBUG what goes over the wire, headers included.
_NOISY = ("urllib3", "kubernetes", "asyncio", "aiohttp", "kopf")


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Time, level, sentence, facts."""
        facts = " ".join(f"{key}={value!r}" for key, value in _facts(record).items())
        line = f"{_time(record)} {record.levelname:7} {record.threadName} {record.getMessage()}"
        return "\n".join(filter(None, (f"{line} {facts}".rstrip(), _trace(self, record))))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One JSON object a line."""
        line = {"time": _time(record), "level": record.levelname.lower(), "message": record.getMessage()}
        line |= {key: str(value) for key, value in _facts(record).items()}
        if trace := _trace(self, record):
            line["traceback"] = trace
        return json.dumps(line)


def configure_logs(level: str, form: str) -> None:
    """Send everything to standard error in one form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    # It warns that it leaves signals alone in a thread, which is what we want of it.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)


def _facts(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _OWN}


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
