"""A real BIND 9 on loopback: authoritative, takes updates by TSIG, and is gone when the bench is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from tests.kit.nameserver import TSIG_ALGORITHM, TSIG_NAME, ask_txt, new_tsig_secret
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.processes import Process
from tests.kit.zone_store import TTL, ZoneStore, read_records

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# BIND follows a CNAME from one of its zones into another only for those who ask for recursion (Pebble).
# A root zone of its own keeps it from asking anybody else.
_OPTIONS = """\
key "{tsig_name}" {{ algorithm hmac-sha256; secret "{tsig_secret}"; }};
controls {{ }};
options {{
    directory "{directory}";
    listen-on port {port} {{ {host}; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    lock-file none;
    recursion yes;
    dnssec-validation no;
    notify no;
    allow-query {{ any; }};
    allow-transfer {{ none; }};
    empty-zones-enable no;
}};
zone "." {{ type primary; file "root.zone"; }};
"""
_ZONE = """\
zone "{zone}" {{
    type primary;
    file "{zone}.zone";
    update-policy {{ grant "{tsig_name}" {policy}; }};
}};
"""
_ROOT = f"""\
$TTL {TTL}
. IN SOA localhost. localhost. 1 3600 600 86400 1
. IN NS localhost.
localhost. IN A 127.0.0.1
"""
_RECORDS = """\
$TTL {ttl}
@ IN SOA ns1 hostmaster 1 3600 600 86400 1
@ IN NS ns1
@ IN A 127.0.0.1
* IN A 127.0.0.1
ns1 IN A 127.0.0.1
"""


def find_named() -> str | None:
    """The path of BIND's server, if it is installed; /usr/sbin is looked into as well."""
    return shutil.which("named") or shutil.which("named", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True, slots=True)
class Bind9:
    """A running BIND. Fits `nameserver.NameServer`."""

    process: Process
    port: int
    zones: tuple[str, ...]
    tsig_secret: str
    host: str = LOOPBACK
    tsig_name: str = TSIG_NAME
    tsig_algorithm: str = TSIG_ALGORITHM

    def txt(self, fqdn: str) -> set[str]:
        return ask_txt(self.host, self.port, fqdn)

    def stop(self) -> None:
        self.process.stop()


def start_bind9(
    directory: Path, zones: Sequence[str], records: Sequence[str] = (), policy: str = "zonesub ANY"
) -> Bind9:
    """A BIND that serves these zones, ready to answer.

    Args:
        directory: for its configuration, zones, journals and log.
        zones: their names; each gets a SOA, an NS `ns1.<zone>` and addresses of 127.0.0.1.
        records: more records, as lines of a zone file with absolute owner names.
        policy: what the key may write, as in `update-policy` behind the key's name.

    Raises:
        FileNotFoundError: BIND is not installed.
    """
    named = find_named()
    if named is None:
        raise FileNotFoundError("named (Debian: apt-get install bind9)")
    directory.mkdir(parents=True, exist_ok=True)
    port, secret = free_port(), new_tsig_secret()
    _write_zones(directory, zones, records)
    configuration = directory / "named.conf"
    facts = {"tsig_name": TSIG_NAME, "tsig_secret": secret, "host": LOOPBACK}
    configuration.write_text(
        _OPTIONS.format(directory=directory, port=port, **facts)
        + "".join(_ZONE.format(zone=zone, policy=policy, **facts) for zone in zones)
    )
    # -g: in the foreground, log to standard error; -n 1: one thread is plenty; -4: no IPv6 sockets at all.
    process = Process.start(
        "named", [named, "-g", "-4", "-n", "1", "-c", configuration], directory / "named.log"
    )
    server = Bind9(process, port, tuple(zones), secret)
    faults = (dns.exception.DNSException, OSError, EOFError)
    process.await_ready(lambda: _serves(server), "BIND to answer", tolerate=faults)
    return server


def _serves(server: Bind9) -> bool:
    # Over TCP, as a closed port says so at once.
    query = dns.message.make_query(server.zones[0], dns.rdatatype.SOA)
    return bool(dns.query.tcp(query, server.host, timeout=1, port=server.port).answer)


def _write_zones(directory: Path, zones: Sequence[str], records: Sequence[str]) -> None:
    store = ZoneStore(zones)
    lines = {zone: [_RECORDS.format(ttl=TTL)] for zone in zones}
    for rrset in read_records(records):
        zone = store.zone_of(rrset.name)
        if zone is None or zone.origin is None:
            raise ValueError(f"{rrset.name} is in none of the zones")
        lines[zone.origin.to_text(omit_final_dot=True)].append(rrset.to_text() + "\n")
    (directory / "root.zone").write_text(_ROOT)
    for name, text in lines.items():
        (directory / f"{name}.zone").write_text("".join(text))
