"""One Certificate whose operator is killed: what is seen of it from outside, and a line of the table about it."""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509

from tests.cluster.conftest import token_rows
from tests.cluster.kill_bench import PATIENCE, KillBench
from tests.cluster.kill_points import DNS
from tests.kit.csr_witness import key_of, public_der
from tests.kit.operator_process import NAMESPACE
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.kit.csr_witness import Witnessed
    from tests.kit.faults import Matcher
    from tests.kit.pebble_log import PebbleRequests

_NO_LETTER = re.compile(r"[^a-z0-9]+")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
#: Of a status: other in each certificate; and what the CA advises, which is asked for in its own time.
_INDIVIDUAL = {"notBefore", "notAfter", "serialNumber", "fingerprintSHA256"}
_ADVISED = {"renewalTime", "renewalInfo"}


@dataclass
class Case:
    """One Certificate with two names.

    Attributes:
        way: of proving: the issuer's name.
        point: where its operator dies, in the words of the table.
        name: of the Certificate.
        orders, finalizes: that the CA saw until the end.
        down, up: seconds from the start to the kill, and from the next start to the end.
    """

    killing: KillBench
    way: str
    point: str
    down: float = 0.0
    up: float = 0.0
    orders: int = 0
    finalizes: int = 0

    def __post_init__(self) -> None:
        self.name = f"{self.way}-{_NO_LETTER.sub('-', self.point)}"
        self._mark = self.killing.bench.pebble.mark()
        self._csrs = len(self.killing.ca.witnessed)
        self.hosts = [
            f"{prefix}{self.name}.example.test" for prefix in ("", "*." if self.way == DNS else "b.")
        ]

    def apply(self) -> None:
        """Have it wanted."""
        tenant = self.killing.tenant
        tenant.apply(tenant.certificate(self.name, *self.hosts, issuer=self.way))

    def die(self) -> None:
        """Have the operator kill itself at the point."""
        began = time.monotonic()
        self.killing.die(self.point)
        self.down = time.monotonic() - began

    def die_on_the_wire(self, matches: Matcher, number: int, side: str) -> None:
        """Kill the operator at a request."""
        began = time.monotonic()
        self.killing.die_on_the_wire(matches, number, side)
        self.down = time.monotonic() - began

    def live(self) -> None:
        """Start the operator, wait for the end (ready, and cleared up), and end it."""
        self.killing.begin()
        self.await_end()
        self.killing.rest()

    def await_end(self) -> None:
        """Wait until all is as it shall be."""
        began = time.monotonic()
        explain = self.killing.operator.process.last_words
        eventually(self.is_ready, f"{self.name} to be ready", PATIENCE, explain=explain)
        eventually(lambda: not self._attempts(), "the attempt to be gone", PATIENCE, explain=explain)
        self.up = time.monotonic() - began
        # Rows that nobody asks for wait some seconds for a write to ride with: they are looked at when all is over.
        eventually(lambda: not self.routes_left(), "routes to be gone", PATIENCE, explain=explain)
        asked = self.asked()
        self.orders, self.finalizes = len(asked.orders), len(asked.finalized)

    # What is seen

    def certificate(self) -> dict[str, Any]:
        """The live Certificate."""
        return self.killing.tenant.get("certificate", self.name)

    def secret(self) -> dict[str, Any]:
        """The live target Secret."""
        return self.killing.tenant.get("secret", f"{self.name}-tls")

    def leaf(self) -> x509.Certificate:
        """The certificate in the target Secret."""
        return x509.load_pem_x509_certificate(base64.b64decode(self.secret()["data"]["tls.crt"]))

    def noted_keys(self) -> list[bytes]:
        """Public keys of the private keys in attempts of this Certificate."""
        return [key_of(attempt) for attempt in self._attempts()]

    def asked(self) -> PebbleRequests:
        """What the CA was asked since the case began."""
        return self.killing.bench.pebble.requests(self._mark)

    def csrs(self) -> list[Witnessed]:
        """The CSRs since the case began."""
        return self.killing.ca.witnessed[self._csrs :]

    def leftovers(self) -> list[str]:
        """Everything that only an order under way needs."""
        left = [f"attempt {each['metadata']['name']}" for each in self._attempts()]
        left += [
            f"row {row}"
            for row in token_rows(self.killing.bench.control_plane)
            if f"{self.name}.example.test" in row
        ]
        for host in self.hosts:
            challenge = f"_acme-challenge.{host.removeprefix('*.')}"
            left += [f"TXT {value}" for value in self.killing.bench.nameserver.txt(challenge)]
        return left + self.routes_left()

    def routes_left(self) -> list[str]:
        """Whatever leads to the solver pods."""
        return self.killing.tenant.routes()

    def end_state(self) -> dict[str, Any]:
        """Certificate and Secret without what is other in each."""
        certificate, secret = self.certificate(), self.secret()
        status = {key: value for key, value in certificate["status"].items() if key not in _ADVISED}
        status |= dict.fromkeys(_INDIVIDUAL & status.keys(), "")
        metadata = secret["metadata"]
        managed = [
            (each["manager"], each["operation"], each["fieldsV1"]) for each in metadata["managedFields"]
        ]
        text = json.dumps(
            {
                "status": status,
                "finalizers": certificate["metadata"].get("finalizers"),
                "type": secret["type"],
                "labels": metadata["labels"],
                "annotations": sorted(metadata["annotations"]),
                "owners": metadata.get("ownerReferences"),
                "data": sorted(secret["data"]),
                "managed": managed,
            }
        )
        state: dict[str, Any] = json.loads(_MOMENT.sub("then", text.replace(self.name, "it")))
        return state

    def line(self) -> str:
        """Its line of the table."""
        events = len(self.killing.tenant.events(self.name, "Issued"))
        return (
            f"{self.way:8} {self.point:28} {self.orders:6} {self.finalizes:9} {len(self.leftovers()):9} {events:6} "
            f"{self.down:6.1f} {self.up:6.1f}"
        )

    def assert_consistent(self) -> None:
        """Status, Secret and the CA's own log tell of one certificate, with one key that was kept in a Secret."""
        leaf, status = self.leaf(), self.certificate()["status"]
        key = public_der(leaf.public_key())
        assert key_of(self.secret()) == key
        assert status["serialNumber"] == f"{leaf.serial_number:x}"
        assert [int(serial, 16) for serial in self.asked().issued.values()] == [leaf.serial_number]
        csrs = self.csrs()
        assert csrs, "the CA got no CSR"
        assert {csr.key for csr in csrs} == {key}, "a CSR was made with another key"
        assert all(csr.kept_in for csr in csrs), "a CSR was made with a key that was in no Secret"

    # How it is seen

    def is_ready(self) -> bool:
        """Whether its condition says so."""
        certificate = self.certificate()
        conditions = certificate.get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def _attempts(self) -> list[dict[str, Any]]:
        read = self.killing.bench.control_plane.read
        listed = read.all("secrets", NAMESPACE, selector="certwright.dev/secret=attempt")
        return [each for each in listed if _journal(each)["certificate"]["name"] == self.name]


def _journal(attempt: dict[str, Any]) -> dict[str, Any]:
    journal: dict[str, Any] = json.loads(base64.b64decode(attempt["data"]["attempt.json"]))
    return journal


#: Above the lines.
HEAD = (
    f"{'way':8} {'killed':28} {'orders':>6} {'finalizes':>9} {'leftovers':>9} {'events':>6} "
    f"{'down s':>6} {'up s':>6}"
)
