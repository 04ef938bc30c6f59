"""Bytes of a fuzzer into answers of a CA, and those through every reader and every conversation."""

from __future__ import annotations

from certwright.acme.flow import Response
from tests.acme.hostility import FLOWS, READERS, check_chain, check_flow, check_reading

_HEAD_END = b"\n\n"


def sealed(answer: Response) -> bytes:
    """An answer as bytes: status, headers line by line, an empty line, body."""
    lines = [str(answer.status), *(f"{name}: {value}" for name, value in answer.headers.items())]
    return "\n".join(lines).encode("latin-1", "replace") + _HEAD_END + answer.body


def opened(data: bytes) -> Response:
    """The answer in any bytes; what is no status is 200."""
    head, _, body = data.partition(_HEAD_END)
    status, *lines = head.decode("latin-1").split("\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {"replay-nonce": "abc", "location": "https://ca.example/1"}
    headers |= {name.lower(): value for name, _, value in pairs}
    number = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else 200
    return Response(number, headers, body)


def enter(data: bytes) -> None:
    """Everything that must hold, for one answer; raises AssertionError, or what should never have left the room."""
    answer = opened(data)
    for name in READERS:
        check_reading(name, answer)
    for name in FLOWS:
        check_flow(name, [answer])
    check_chain(answer.body.decode("latin-1"), key="0" * 64, names=["a.example"])
