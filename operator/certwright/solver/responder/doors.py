"""A port that listens, on both address families where there are two."""

from __future__ import annotations

import errno
import socket

#: Connections that wait to be accepted; the kernel lowers it to its own bound (net.core.somaxconn).
BACKLOG = 1024
#: What the system says where IPv6 is switched off although the kernel knows it.
_NO_IPV6 = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})


def open_door(port: int) -> socket.socket:
    """A listening, non-blocking socket: one for IPv6 that takes IPv4, too, or one for IPv4 where there is no IPv6.

    Args:
        port: 0 lets the system choose.

    Raises:
        OSError: the port is taken, or may not be used.
    """
    listening = _dual_stack(port) or socket.create_server(("", port), backlog=BACKLOG)
    listening.setblocking(False)
    # Accepted sockets inherit it (Linux). An answer is one piece and need not wait until the last one is acknowledged.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _dual_stack(port: int) -> socket.socket | None:
    if not socket.has_dualstack_ipv6():
        return None
    try:
        return socket.create_server(
            ("::", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True
        )
    except OSError as error:
        if error.errno in _NO_IPV6:
            return None
        raise
