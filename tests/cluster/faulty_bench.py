"""A bench on which the operator reaches the API server and the CA only through proxies that do harm."""

from __future__ import annotations

import base64
import itertools
import json
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509

from tests.cluster.conftest import ZONES, Tenant, start_operator
from tests.kit import operator_process
from tests.kit.bench import Bench
from tests.kit.fault_proxy import FaultProxy
from tests.kit.faults import Then
from tests.kit.front import Front
from tests.kit.nameserver import start_nameserver
from tests.kit.operator_process import NAMESPACE
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import free_port
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kit.faults import Matcher
    from tests.kit.operator_process import Operator
    from tests.kit.pebble_log import Mark

#: Seconds within which things go on once a fault is over, and what a busy machine needs to bring them to their end.
GOES_ON, WORK = 30.0, 30.0
#: Each Issuer of a tenant proves in one way; a Certificate names its way by its issuer.
WAYS = ("dns-01", "http-01")

_numbers = itertools.count(1)


@dataclass
class FaultyBench:
    """A bench, its proxies, and the one operator behind them.

    Attributes:
        bench: tests reach its servers directly, whatever the proxies do.
        api: between the operator and the API server; the solver pod's program is not behind it.
        ca: between the operator and Pebble.
        operator: runs for as long as the bench.
    """

    bench: Bench
    api: FaultProxy
    ca: FaultProxy
    operator: Operator = field(init=False)

    def mend(self) -> None:
        """No fault is in force, and the operator runs, whatever a test has left behind."""
        for proxy in (self.api, self.ca):
            proxy.forget_rules()
            proxy.up()
        if not self.operator.process.running:
            self.operator.begin()

    def assert_alive(self) -> None:
        """The process runs, and /healthz says so."""
        self.operator.process.must_run()
        assert self.operator.page("/healthz") == "ok\n"

    def stay_alive(self, seconds: float) -> None:
        """Let time pass, looking at /healthz all the while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.assert_alive()
            threading.Event().wait(min(1.0, left))


@contextmanager
def faulty_bench(directory: Path) -> Iterator[FaultyBench]:
    """Start one. No nonce is refused, so that the n-th request is the n-th of its kind."""
    with ExitStack() as stack:
        settings = PebbleSettings(nonce_reject_percent=0, http_port=free_port())
        bench = stack.enter_context(Bench.start(directory, start_nameserver(ZONES), pebble=settings))
        plane, pebble = bench.control_plane, bench.pebble
        operator_process.install(plane)
        front = stack.enter_context(Front.start(directory / "responder", plane, settings.http_port))
        api = stack.enter_context(FaultProxy.start(directory / "api-proxy", plane.url, plane.ca_file))
        ca = stack.enter_context(
            FaultProxy.start(directory / "ca-proxy", pebble.directory_url, pebble.ca_file)
        )
        faulty = FaultyBench(bench, api, ca)
        through = plane.service_account_kubeconfig(NAMESPACE, "certwright", through=(api.url, api.ca_file))
        # Of two --kubeconfig the later one counts.
        flags = ("--log-level=debug", f"--kubeconfig={through}", *front.flags)
        faulty.operator = start_operator(bench, "faulty", *flags)
        yield faulty
        assert faulty.operator.stop() == 0, "the operator did not stop cleanly"


class FaultyTenant(Tenant):
    """A namespace with an Issuer for each way of proving, both through the proxy."""

    def __init__(self, faulty: FaultyBench) -> None:
        super().__init__(faulty.bench, f"f{next(_numbers)}")
        self.faulty = faulty
        solvers = {"dns-01": {"dns01": {"rfc2136": self.rfc2136()}}, "http-01": self.http01()}
        self.apply(self.dns_key(), *(self.issuer(way, solvers=[solvers[way]]) for way in WAYS))
        self.await_ready(*WAYS, kind="issuer")

    def issuer(self, name: str = "ca", kind: str = "Issuer", **acme: Any) -> dict[str, Any]:
        ca = self.faulty.ca
        bundle = base64.b64encode(ca.ca_pem.encode()).decode()
        return super().issuer(name, kind, **{"server": f"{ca.url}/dir", "caBundle": bundle} | acme)

    def certificate(self, name: str, *names: str, issuer: str = WAYS[0], **spec: Any) -> dict[str, Any]:
        return super().certificate(name, *names, issuer=issuer, **spec)

    def of_each_way(self, stem: str) -> list[str]:
        """Apply one Certificate for each way of proving, and return their names."""
        names = {f"{stem}-{way}": way for way in WAYS}
        self.apply(*(self.certificate(name, issuer=way) for name, way in names.items()))
        return list(names)

    def seconds_until_done(self, *names: str, timeout: float = GOES_ON + WORK) -> dict[str, float]:
        """How long from now until each Certificate is ready as it stands and its attempt gone."""
        began, took = time.monotonic(), dict[str, float]()

        def looked() -> bool:
            ready = self._ready() - self._busy()
            took.update({name: time.monotonic() - began for name in set(names) & ready - set(took)})
            return len(took) == len(names)

        eventually(looked, f"{names} to be done", timeout, explain=lambda: self._explained(took))
        print({name: round(seconds, 1) for name, seconds in took.items()})
        return took

    def names_of(self, secret: str) -> set[str]:
        """The DNS names of a target Secret's certificate."""
        extension = self.leaf(secret).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        return set(extension.value.get_values_for_type(x509.DNSName))

    def _ready(self) -> set[str]:
        """Names of the Certificates that are Ready as their spec stands now."""
        return {
            each["metadata"]["name"]
            for each in self.all_certificates()
            for condition in each.get("status", {}).get("conditions", [])
            if condition["type"] == "Ready"
            and condition["status"] == "True"
            and condition["observedGeneration"] == each["metadata"]["generation"]
        }

    def _busy(self) -> set[str]:
        """Names of the Certificates that have an attempt."""
        listed = self.plane.read.all("secrets", NAMESPACE, selector="certwright.dev/secret=attempt")
        journals = [json.loads(base64.b64decode(item["data"]["attempt.json"])) for item in listed]
        return {
            journal["certificate"]["name"]
            for journal in journals
            if journal["certificate"]["namespace"] == self.namespace
        }

    def all_certificates(self) -> list[dict[str, Any]]:
        """Of this namespace."""
        return self.all("certificate")

    def assert_done(self, since: Mark, issued: int, *, lost_orders: int = 0) -> None:
        """As without a fault: one finalize a certificate, no order too many, nothing left, keys that fit.

        Args:
            since: a moment in Pebble's log.
            issued: certificates since then.
            lost_orders: that the faults may have cost.
        """
        seen = self.bench.pebble.requests(since)
        assert len(seen.finalized) == issued
        assert len(set(seen.finalized)) == issued
        assert issued <= len(seen.orders) <= issued + lost_orders
        assert self.attempts() == []
        assert self.names_in_use() == set(), "TXT records were left behind"
        gone = lambda: not self.routes("ingress")  # noqa: E731
        eventually(gone, "the routes to be gone", 30, explain=lambda: str(self.all("ingress")))
        eventually(lambda: not self.tokens(), "the tokens to be gone", 30)
        for each in self.all_certificates():
            secret = each["spec"]["secretName"]
            self.assert_pair(secret)
            assert each["status"]["serialNumber"] == f"{self.leaf(secret).serial_number:x}"
        self.faulty.assert_alive()

    def _explained(self, took: dict[str, float]) -> str:
        listed = self.kubectl("get", "certificates.certwright.dev,events", "--output=yaml")
        return f"done so far: {took}\n{listed}\n{self.faulty.operator.process.last_words(60)}"


@contextmanager
def faulty_tenant(faulty: FaultyBench) -> Iterator[FaultyTenant]:
    """A tenant for one test; the bench is whole again afterwards."""
    tenant = FaultyTenant(faulty)
    yield tenant
    faulty.mend()
    tenant.kubectl("delete", "certificates.certwright.dev,issuers.certwright.dev", "--all")


class Gate:
    """Holds back some answers of a server that has acted already, until the gate is opened."""

    #: Seconds; less than the operator waits for a CA.
    LONGEST = 25

    def __init__(self, proxy: FaultProxy, matches: Matcher, times: int) -> None:
        self._held, self._open, self._times = threading.Semaphore(0), threading.Event(), times
        self._late = False
        proxy.rule(matches, Then(self._hold), times=times)

    def _hold(self) -> None:
        self._held.release()
        self._late = not self._open.wait(self.LONGEST) or self._late

    def await_held(self) -> None:
        """Wait until all answers are held."""
        for _ in range(self._times):
            assert self._held.acquire(timeout=self.LONGEST), "the request never came"

    def open(self) -> None:
        """Let the answers go; they were held until now."""
        self._open.set()
        assert not self._late, "the machine was too slow: an answer was let go before its time"
