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
#: kopf puts whole answers of the API server into its sentences; this much of one says what is wrong.
_KOPF_SENTENCE = 200


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Time, level, sentence, facts."""
        facts = " ".join(f"{key}={value!r}" for key, value in _facts(record).items())
        line = f"{_time(record)} {record.levelname:7} {record.threadName} {_sentence(record)}"
        return "\n".join(filter(None, (f"{line} {facts}".rstrip(), _trace(self, record))))


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """One JSON object a line."""
        line = {"time": _time(record), "level": record.levelname.lower(), "message": _sentence(record)}
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
    # It warns of each retry with the whole address; what comes of the request is told by whoever made it.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    # It warns that it leaves signals alone in a thread, which is what we want of it.
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)


def _sentence(record: logging.LogRecord) -> str:
    """What the record says; of kopf's only the beginning, on one line."""
    message = record.getMessage()
    if not _is_kopf(record):
        return message
    line = " ".join(message.split())
    return line if len(line) <= _KOPF_SENTENCE else line[: _KOPF_SENTENCE - 1] + "…"


def _is_kopf(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] == "kopf"


def _facts(record: logging.LogRecord) -> dict[str, object]:
    if _is_kopf(record):
        return {}  # its settings and the object's reference, which are for its own formatters
    return {key: value for key, value in vars(record).items() if key not in _OWN}


def _time(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return formatter.formatException(record.exc_info) if record.exc_info else ""
