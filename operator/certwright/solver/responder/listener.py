"""The sockets: one thread, one selector, non-blocking. What is said is up to `conversation.py`.

Every connection has a deadline, whatever it is doing, and there is a bound on how many there are. At the bound the one
that has been without an answer for longest makes room: whoever opens connections and says nothing locks out nobody.
"""

from __future__ import annotations

import errno
import logging
import selectors
import socket
from typing import TYPE_CHECKING

from certwright.solver.responder.conversation import Conversation

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.solver.responder.conversation import House

log = logging.getLogger(__name__)

#: Bytes a read.
READ = 4 * 1024
#: Connections accepted, and bytes read from one, before the others have their turn.
ACCEPTED_AT_ONCE = 64
#: Seconds between two looks at the deadlines.
TICK = 0.5
#: Seconds that a client may take to read an answer.
WRITE_SECONDS = 5.0
#: Seconds to wait for a client's end of a connection after ours: closed at once, with bytes of the client unread, the
#: system would send a reset, which can destroy an answer that is under way (RFC 9112 §9.6).
LINGER_SECONDS = 1.0


class Listener:
    """Serves ports until it is told to stop.

    Args:
        seconds: monotonic clock.

    Attributes:
        dropped: connections that had to make room for others.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._selector = selectors.DefaultSelector()
        self._ports: list[_Port] = []
        self.dropped = 0

    def serve(self, door: socket.socket, house: House, most: int) -> None:
        """Add a listening socket.

        Args:
            most: connections that may be open at once.
        """
        port = _Port(door, house, most)
        self._ports.append(port)
        self._selector.register(door, selectors.EVENT_READ, port)

    @property
    def connections(self) -> int:
        """How many are open now."""
        return sum(len(port.connections) for port in self._ports)

    def run(self, until: Callable[[], bool]) -> None:
        """Serve; `until` is asked at least every half second."""
        look_at = 0.0
        while not until():
            events = self._selector.select(TICK)
            now = self._seconds()
            for key, _ in events:
                self._serve_one(key.data, now)
            if now >= look_at:
                look_at = now + TICK
                self._expire(now)

    def close(self) -> None:
        """Close every socket."""
        for port in self._ports:
            port.door.close()
            for connection in list(port.connections):
                self._drop(connection)
        self._selector.close()

    def _serve_one(self, who: _Port | _Connection, now: float) -> None:
        try:
            if isinstance(who, _Port):
                self._accept(who, now)
            elif who.is_open:
                self._advance(who, now)
        except OSError:
            # The client is gone, or it is the system's own trouble with this one connection.
            self._abandon(who)
        except Exception:
            log.exception("a connection failed")
            self._abandon(who)

    def _abandon(self, who: _Port | _Connection) -> None:
        if isinstance(who, _Connection):
            self._drop(who)

    # Connections come and go

    def _accept(self, port: _Port, now: float) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                client, _address = port.door.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._make_room(port)
                return
            if len(port.connections) >= port.most:
                self._make_room(port)
            client.setblocking(False)
            connection = _Connection(client, port, Conversation(port.house, now))
            port.connections[connection] = None
            self._selector.register(client, selectors.EVENT_READ, connection)

    def _make_room(self, port: _Port) -> None:
        longest = next(iter(port.connections), None)
        if longest is not None:
            self.dropped += 1
            self._drop(longest)

    def _drop(self, connection: _Connection) -> None:
        if connection.is_open:
            connection.is_open = False
            del connection.port.connections[connection]
            self._selector.unregister(connection.socket)
            connection.socket.close()

    def _expire(self, now: float) -> None:
        for port in self._ports:
            for connection in [each for each in port.connections if each.deadline <= now]:
                if connection.ends is None:
                    connection.unsent = connection.talk.expire(now)
                if connection.unsent and connection.ends is None:
                    self._serve_one(connection, now)
                else:
                    self._drop(connection)

    # One connection

    def _advance(self, connection: _Connection, now: float) -> None:
        """Send what waits to be sent, else read and answer."""
        if not connection.unsent:
            data = self._read(connection)
            if data is None:
                return
            if not data:
                self._drop(connection)
                return
            connection.talk.receive(data, now)
        self._send(connection, now)

    def _read(self, connection: _Connection) -> bytes | None:
        try:
            return connection.socket.recv(READ)
        except BlockingIOError:
            return None

    def _send(self, connection: _Connection, now: float) -> None:
        """Send until nothing is left, or the client's window is full."""
        talk = connection.talk
        while connection.unsent or self._more(connection, now):
            try:
                sent = connection.socket.send(connection.unsent)
            except BlockingIOError:
                sent = 0
            connection.unsent = connection.unsent[sent:]
            if connection.unsent:
                self._await(connection, selectors.EVENT_WRITE)
                connection.ends = connection.ends or now + WRITE_SECONDS
                return
            connection.ends = None
        self._await(connection, selectors.EVENT_READ)
        if talk.closing and not connection.lingers:
            connection.lingers = True
            connection.ends = now + LINGER_SECONDS
            connection.socket.shutdown(socket.SHUT_WR)

    def _more(self, connection: _Connection, now: float) -> bool:
        connection.unsent = connection.talk.next_bytes(now)
        if connection.unsent:
            # The one that was answered last is the last to make room.
            del connection.port.connections[connection]
            connection.port.connections[connection] = None
        return bool(connection.unsent)

    def _await(self, connection: _Connection, what: int) -> None:
        if connection.awaits != what:
            connection.awaits = what
            self._selector.modify(connection.socket, what, connection)


class _Port:
    """A listening socket and its connections, the one without an answer for longest first."""

    def __init__(self, door: socket.socket, house: House, most: int) -> None:
        self.door = door
        self.house = house
        self.most = most
        self.connections: dict[_Connection, None] = {}


class _Connection:
    """A client.

    Attributes:
        unsent: the rest of an answer; nothing is read while there is one.
        ends: when it is dropped while it reads our answer or closes; None while it talks.
        lingers: our end is closed, and the client's bytes are thrown away until it closes its own.
    """

    __slots__ = ("awaits", "ends", "is_open", "lingers", "port", "socket", "talk", "unsent")

    def __init__(self, client: socket.socket, port: _Port, talk: Conversation) -> None:
        self.socket = client
        self.port = port
        self.talk = talk
        self.unsent = b""
        self.ends: float | None = None
        self.awaits = selectors.EVENT_READ
        self.lingers = False
        self.is_open = True

    @property
    def deadline(self) -> float:
        """When something has to happen, at the latest."""
        return self.talk.deadline if self.ends is None else self.ends
