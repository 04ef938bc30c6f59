"""Free ports on loopback."""

from __future__ import annotations

import socket
from random import SystemRandom

LOOPBACK = "127.0.0.1"

#: Below the range from which Linux takes ports for outgoing connections (32768 and up). From inside that
#: range, a client that keeps trying to reach a stopped server may one day be connected to itself, and the
#: server cannot come back on its port.
_RANGE = range(20_000, 32_000)

_dice = SystemRandom()
_handed_out: set[int] = set()


def free_port() -> int:
    """A port that nothing on loopback uses, neither TCP nor UDP, and that was not handed out before."""
    while True:
        port = _dice.choice(_RANGE)
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port


def _is_free(port: int) -> bool:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram,
    ):
        try:
            stream.bind((LOOPBACK, port))
            datagram.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
