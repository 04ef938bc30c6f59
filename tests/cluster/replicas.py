"""Several operators on one control plane, of which one leads; and namespaces whose names are proven in both ways."""

from __future__ import annotations

import base64
import itertools
import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.cluster.conftest import ZONES, Tenant, start_operator
from tests.kit import operator_process
from tests.kit.bench import Bench
from tests.kit.faults import kube_request
from tests.kit.front import Front
from tests.kit.nameserver import start_nameserver
from tests.kit.operator_process import NAMESPACE
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import free_port
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.kit.fault_connection import Seen
    from tests.kit.fault_proxy import FaultProxy
    from tests.kit.operator_process import Operator
    from tests.kit.pebble_log import Mark

#: Each Issuer of a tenant proves in one way; a Certificate names its way by its issuer.
WAYS = ("dns-01", "http-01")

#: Exit code after SIGKILL, as a shell reports it.
KILLED = 137

_numbers = itertools.count(1)


@dataclass
class Site:
    """A bench with the way of HTTP-01 requests; replicas come and go."""

    bench: Bench
    front: Front

    @contextmanager
    def replicas(self, *names: str, through: Mapping[str, FaultProxy] | None = None) -> Iterator[Replicas]:
        """Operators that run until the block is left, and end well then.

        Args:
            names: of the replicas.
            through: by name, what a replica reaches the API server through.
        """
        with ExitStack() as stack:
            operators = []
            for name in names:
                flags = self._flags_through(through[name]) if through else ()
                operator = start_operator(self.bench, name, *self.front.flags, *flags, wait=False)
                stack.callback(_end, operator)
                operators.append(operator)
            replicas = Replicas(operators)
            replicas.await_ready(*operators)
            yield replicas

    def _flags_through(self, proxy: FaultProxy) -> tuple[str, ...]:
        """Of two --kubeconfig the later one counts."""
        way = (proxy.url, proxy.ca_file)
        kubeconfig = self.bench.control_plane.service_account_kubeconfig(NAMESPACE, "certwright", through=way)
        return ("--log-level=debug", f"--kubeconfig={kubeconfig}")


def _end(operator: Operator) -> None:
    operator.process.send(signal.SIGCONT)  # a stopped process takes no other signal but SIGKILL
    assert operator.stop() in (0, KILLED), "an operator did not stop cleanly"


@contextmanager
def site(directory: Path) -> Iterator[Site]:
    """Start one. No nonce is refused, so that each finalize arrives once."""
    with ExitStack() as stack:
        settings = PebbleSettings(nonce_reject_percent=0, http_port=free_port())
        bench = stack.enter_context(Bench.start(directory, start_nameserver(ZONES), pebble=settings))
        operator_process.install(bench.control_plane)
        front = Front.start(directory / "responder", bench.control_plane, settings.http_port)
        yield Site(bench, stack.enter_context(front))


@dataclass
class Replicas:
    """Operators that share one Lease."""

    operators: list[Operator]

    def leader(self, timeout: float = 30) -> Operator:
        """Whoever leads, once somebody does."""
        return eventually(lambda: list(filter(leads, self.operators)), "a leader", timeout)[0]

    def others(self, leader: Operator) -> list[Operator]:
        """Everybody else."""
        return [each for each in self.operators if each is not leader]

    def await_ready(self, *operators: Operator) -> None:
        """Wait until these have started."""
        for operator in operators:
            eventually(operator.ready, "a replica to be ready", 60, explain=operator.process.last_words)

    def await_successor(self, leader: Operator) -> None:
        """Wait until somebody could take over from the leader."""
        standbys = self.others(leader)
        eventually(lambda: any(each.ready() for each in standbys), "a standby to be ready", 60)


def gauge(operator: Operator, metric: str) -> float:
    """Value of one of its metrics, 0 if it does not answer."""
    try:
        page = operator.page("/metrics")
    except requests.RequestException:
        return 0.0
    return next((float(line.split()[-1]) for line in page.splitlines() if line.startswith(metric)), 0.0)


def leads(operator: Operator) -> bool:
    """Whether it says so."""
    return gauge(operator, "certwright_leader") == 1


def name_of(operator: Operator) -> str:
    """Its replica's name, as the Lease has it."""
    return operator.log.parent.name


def request_of(seen: Seen) -> tuple[str, str]:
    """Verb and resource of a request to the API server."""
    return kube_request(seen.asked)[:2]


class TwoWays(Tenant):
    """A namespace with an Issuer for each way of proving."""

    def __init__(self, bench: Bench) -> None:
        super().__init__(bench, f"r{next(_numbers)}")
        self.apply(self.dns_key(), *(self.issuer(way, solvers=[self.solver(way)]) for way in WAYS))

    def solver(self, way: str) -> dict[str, Any]:
        """That proves in this way."""
        return {"dns-01": {"dns01": {"rfc2136": self.rfc2136()}}, "http-01": self.http01()}[way]

    def issuer_through(self, ca: FaultProxy, name: str, way: str) -> dict[str, Any]:
        """An Issuer that speaks to the CA through a proxy."""
        bundle = base64.b64encode(ca.ca_pem.encode()).decode()
        return self.issuer(name, server=f"{ca.url}/dir", caBundle=bundle, solvers=[self.solver(way)])

    def all_certificates(self) -> list[dict[str, Any]]:
        """Of this namespace."""
        return self.all("certificate")

    def assert_each_written_once(self) -> None:
        """Key and certificate of every Secret fit, and are the first that it ever had."""
        secrets = {each["metadata"]["name"]: each["data"] for each in self.all("secret")}
        for each in self.all_certificates():
            data, status = secrets[each["spec"]["secretName"]], each["status"]
            leaf = x509.load_pem_x509_certificate(base64.b64decode(data["tls.crt"]))
            key = load_pem_private_key(base64.b64decode(data["tls.key"]), None)
            assert key.public_key() == leaf.public_key()
            assert (status["revision"], status["serialNumber"]) == (1, f"{leaf.serial_number:x}")

    def assert_nothing_left(self) -> None:
        """Whatever was needed to prove names is gone."""
        eventually(lambda: not self.attempts(), "the attempts to be gone", 60)
        assert self.names_in_use() == set(), "TXT records were left behind"
        eventually(lambda: not self.routes(), "the routes to be gone", 60)
        eventually(lambda: not self.tokens(), "the tokens to be gone", 30)


def assert_finalized_once(bench: Bench, since: Mark, issued: int, *, lost_orders: int) -> None:
    """As without a fault: one finalize a certificate, and few orders too many.

    Args:
        since: a moment in Pebble's log.
        issued: certificates since then.
        lost_orders: that faults may have cost.
    """
    seen = bench.pebble.requests(since)
    assert len(set(seen.finalized)) == issued
    assert len(seen.finalized) == issued
    assert seen.arrived["finalize"] == issued, "a finalize was sent for an order that had one"
    assert issued <= len(seen.orders) <= issued + lost_orders
