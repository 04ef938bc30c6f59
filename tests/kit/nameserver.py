"""Name servers that take dynamic updates, and a small one of our own on dnspython that runs anywhere.

In a test: `start_nameserver(["example.test"])`. As a process:
`python -m tests.kit.nameserver --zone example.test --port 5353 --tsig-secret-file secret.txt`.
It answers Pebble's `-dnsserver` as a resolver would, for its own zones; other names are REFUSED.
"""

from __future__ import annotations

import argparse
import base64
import secrets
import signal
import socketserver
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.rdtypes.ANY.TXT
import dns.rrset
import dns.tsig
import dns.update

from tests.kit.ports import LOOPBACK, free_port
from tests.kit.zone_store import Refusal, ZoneStore

if TYPE_CHECKING:
    from collections.abc import Sequence

TSIG_NAME = "certwright-test"
TSIG_ALGORITHM = "HMACSHA256"

#: What is wrong with a signature, as RFC 8945 §5.2 wants it told.
_TSIG_ERRORS: dict[type[Exception], dns.rcode.Rcode] = {
    dns.message.UnknownTSIGKey: dns.rcode.BADKEY,
    dns.tsig.BadAlgorithm: dns.rcode.BADKEY,
    dns.tsig.BadSignature: dns.rcode.BADSIG,
    dns.tsig.BadTime: dns.rcode.BADTIME,
}

_PLAIN_UDP_OCTETS = 512  # RFC 1035 §2.3.4
_ASK_SECONDS = 5


class NameServer(Protocol):
    """A running authoritative server that takes TSIG-signed updates of all its zones.

    Attributes:
        zones: their names, without trailing dots.
        tsig_secret: base64.
        tsig_algorithm: in the words of our CRD.
    """

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def zones(self) -> tuple[str, ...]: ...
    @property
    def tsig_name(self) -> str: ...
    @property
    def tsig_secret(self) -> str: ...
    @property
    def tsig_algorithm(self) -> str: ...
    def txt(self, fqdn: str) -> set[str]:
        """The TXT values that the server shows at `fqdn`, asked over the network."""

    def stop(self) -> None:
        """End it and wait until it is gone."""


def new_tsig_secret() -> str:
    """A fresh TSIG secret in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def ask_txt(host: str, port: int, fqdn: str) -> set[str]:
    """The TXT values that the server at host and port shows at `fqdn`."""
    query = dns.message.make_query(fqdn, dns.rdatatype.TXT)
    response, _ = dns.query.udp_with_fallback(query, host, _ASK_SECONDS, port)
    records = (record for rrset in response.answer for record in rrset)
    return {b"".join(txt.strings).decode() for txt in records if isinstance(txt, dns.rdtypes.ANY.TXT.TXT)}


class KitNameServer:
    """Our own server: threads in this process, UDP and TCP on one port. Fits `NameServer`."""

    tsig_name = TSIG_NAME
    tsig_algorithm = TSIG_ALGORITHM

    def __init__(
        self, store: ZoneStore, zones: Sequence[str], host: str, port: int, tsig_secret: str
    ) -> None:
        self.host = host
        self.port = port
        self.zones = tuple(zones)
        self.tsig_secret = tsig_secret
        self._store = store
        key_name = dns.name.from_text(TSIG_NAME)
        self._keys = {key_name: dns.tsig.Key(key_name, tsig_secret, dns.tsig.HMAC_SHA256)}
        self._servers: tuple[_UdpServer | _TcpServer, ...] = (
            _UdpServer((host, port), _UdpHandler),
            _TcpServer((host, port), _TcpHandler),
        )
        self._threads = tuple(
            threading.Thread(target=server.serve_forever, args=(0.05,), name=f"dns-{port}", daemon=True)
            for server in self._servers
        )
        for server in self._servers:
            server.reply = self.reply
        for thread in self._threads:
            thread.start()

    def txt(self, fqdn: str) -> set[str]:
        return ask_txt(self.host, self.port, fqdn)

    def stop(self) -> None:
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()

    def reply(self, wire: bytes, *, over_tcp: bool) -> bytes:
        """The answer to one message, or nothing to one that cannot be read."""
        try:
            message = dns.message.from_wire(wire, keyring=self._keys)
        except tuple(_TSIG_ERRORS) as problem:
            return tsig_refusal(wire, _TSIG_ERRORS[type(problem)])
        except dns.exception.DNSException:
            return b""
        if message.flags & dns.flags.QR:
            return b""
        response = dns.message.make_response(message, recursion_available=True)
        self._fill(message, response)
        limit = message.payload if message.edns >= 0 else _PLAIN_UDP_OCTETS
        return response.to_wire(max_size=0xFFFF if over_tcp else limit, prefer_truncation=True)

    def _fill(self, message: dns.message.Message, response: dns.message.Message) -> None:
        match message.opcode():
            case dns.opcode.QUERY if len(message.question) == 1:
                self._store.answer(response)
            case dns.opcode.UPDATE if isinstance(message, dns.update.UpdateMessage):
                response.set_rcode(self._update(message))
            case _:
                response.set_rcode(dns.rcode.NOTIMP)

    def _update(self, message: dns.update.UpdateMessage) -> dns.rcode.Rcode:
        if not message.had_tsig:
            return dns.rcode.REFUSED
        try:
            self._store.update(message)
        except Refusal as refusal:
            return refusal.rcode
        return dns.rcode.NOERROR


def start_nameserver(
    zones: Sequence[str],
    host: str = LOOPBACK,
    *,
    port: int | None = None,
    records: Sequence[str] = (),
    tsig_secret: str | None = None,
    address: str = LOOPBACK,
) -> KitNameServer:
    """A running server with these zones.

    Args:
        zones: their names; each gets a SOA and an NS `ns1.<zone>`.
        host: the address to listen at.
        port: for UDP and TCP; None takes a free one.
        records: more records, as lines of a zone file with absolute owner names.
        tsig_secret: base64; None makes a new one.
        address: of `ns1.<zone>` and of every name that has none of its own.
    """
    store = ZoneStore(zones, records, address)
    return KitNameServer(store, zones, host, port or free_port(), tsig_secret or new_tsig_secret())


def tsig_refusal(wire: bytes, error: dns.rcode.Rcode) -> bytes:
    """NOTAUTH, with the reason in an unsigned TSIG record (RFC 8945 §5.2)."""
    query = dns.message.from_wire(wire, keyring=False)
    response = dns.message.make_response(query)
    response.use_edns(edns=False)
    response.set_rcode(dns.rcode.NOTAUTH)
    assert query.tsig
    asked = query.tsig[0]
    refusal = dns.rdtypes.ANY.TSIG.TSIG(  # type: ignore[no-untyped-call]  # dnspython left it so
        dns.rdataclass.ANY,
        dns.rdatatype.TSIG,
        asked.algorithm,
        asked.time_signed,
        asked.fudge,
        b"",
        query.id,
        error,
        b"",
    )
    response.additional.append(dns.rrset.from_rdata(query.tsig.name, 0, refusal))
    return response.to_wire()


class _Reply(Protocol):
    def __call__(self, wire: bytes, *, over_tcp: bool) -> bytes: ...


class _UdpServer(socketserver.ThreadingUDPServer):
    daemon_threads = True
    block_on_close = False
    reply: _Reply


class _TcpServer(socketserver.ThreadingTCPServer):
    # Of twenty questions at once the library's five would leave the others to time out; Pebble asks over TCP.
    request_queue_size = 128
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    reply: _Reply


class _UdpHandler(socketserver.BaseRequestHandler):
    server: _UdpServer

    def handle(self) -> None:
        wire, socket = self.request
        answer = self.server.reply(wire, over_tcp=False)
        if answer:
            socket.sendto(answer, self.client_address)


class _TcpHandler(socketserver.StreamRequestHandler):
    server: _TcpServer
    timeout = _ASK_SECONDS

    def handle(self) -> None:
        while len(size := self.rfile.read(2)) == 2:
            answer = self.server.reply(self.rfile.read(int.from_bytes(size, "big")), over_tcp=True)
            if not answer:
                return
            self.wfile.write(len(answer).to_bytes(2, "big") + answer)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        description="An authoritative name server for tests, with updates by TSIG."
    )
    parser.add_argument("--zone", action="append", required=True, help="a zone to serve; may be repeated")
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--record", action="append", default=[], help="a line of a zone file; may be repeated"
    )
    parser.add_argument("--address", default=LOOPBACK, help="of each ns1 and of names without one")
    parser.add_argument("--tsig-secret-file", type=Path, required=True, help=f"base64, of key {TSIG_NAME}")
    given = parser.parse_args()
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    server = start_nameserver(
        given.zone,
        given.host,
        port=given.port,
        records=given.record,
        tsig_secret=given.tsig_secret_file.read_text().strip(),
        address=given.address,
    )
    sys.stdout.write(f"serving {', '.join(server.zones)} at {server.host}:{server.port}\n")
    sys.stdout.flush()
    signal.sigwait(ending)
    server.stop()


if __name__ == "__main__":
    main()
