"""A bench for kills: one operator that dies and comes back, and witnesses that do not depend on it."""

from __future__ import annotations

import base64
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.cluster.conftest import ZONES, Tenant
from tests.cluster.kill_points import DNS, HTTP
from tests.kit import operator_process
from tests.kit.bench import Bench
from tests.kit.csr_witness import CsrWitness
from tests.kit.fault_proxy import FaultProxy
from tests.kit.faults import Hang, Then
from tests.kit.front import Front
from tests.kit.nameserver import start_nameserver
from tests.kit.operator_process import NAMESPACE
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import free_port
from tests.kit.waiting import eventually
from tests.kit.warm_operator import KILLED, WarmOperator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.kit.faults import Matcher

#: Seconds that each half of a case may take on a machine that does other things too; a quiet one takes two.
PATIENCE = 90
_AT_ONCE = timedelta(0)


class KillTenant(Tenant):
    """A namespace with an Issuer for each way, both through the witness."""

    def __init__(self, bench: Bench, ca: FaultProxy, namespace: str) -> None:
        super().__init__(bench, namespace)
        self.ca = ca
        self.apply(self.dns_key(), self.issuer(DNS), self.issuer(HTTP, solvers=[self.http01()]))

    def issuer(self, name: str = "ca", kind: str = "Issuer", **acme: Any) -> dict[str, Any]:
        bundle = base64.b64encode(self.ca.ca_pem.encode()).decode()
        return super().issuer(name, kind, **{"server": f"{self.ca.url}/dir", "caBundle": bundle} | acme)


@dataclass
class KillBench:
    """A bench, its witnesses, and the operator.

    Attributes:
        ca: between the operator and Pebble.
        api: between the operator and the API server.
        operator: does not run between cases.
        tenant: all cases are in one namespace.
    """

    bench: Bench
    ca: CsrWitness
    api: FaultProxy
    operator: WarmOperator
    tenant: KillTenant = field(init=False)

    def die(self, point: str) -> None:
        """Start the operator and wait until it has killed itself at `point`."""
        self.operator.begin({"CERTWRIGHT_KILL_AT": point}, wait=False)
        assert self.operator.process.wait(PATIENCE) == KILLED

    def die_on_the_wire(self, matches: Matcher, number: int, side: str) -> None:
        """The same while the n-th request of a kind hangs before the API server, or before its answer is heard."""
        kill = self.operator.kill
        self.operator.begin(wait=False)
        with self.api.rule(
            matches, Then(kill) if side == "after" else Hang(), skip=number - 1, times=1
        ) as rule:
            eventually(
                lambda: rule.hits, f"request {number}", PATIENCE, explain=self.operator.process.last_words
            )
            if side == "before":
                kill()
            assert self.operator.process.wait(PATIENCE) == KILLED

    def begin(self) -> None:
        """Start it to live."""
        self.operator.begin(wait=False)

    def rest(self) -> None:
        """End whatever runs."""
        self.operator.kill()


@contextmanager
def kill_bench(directory: Path) -> Iterator[KillBench]:
    """Start one. No nonce is refused and nobody is told to wait: only kills are to take time."""
    with ExitStack() as stack:
        settings = PebbleSettings(nonce_reject_percent=0, retry_after=_AT_ONCE, http_port=free_port())
        bench = stack.enter_context(Bench.start(directory, start_nameserver(ZONES), pebble=settings))
        plane, pebble = bench.control_plane, bench.pebble
        operator_process.install(plane)
        front = stack.enter_context(Front.start(directory / "responder", plane, settings.http_port))
        ca = stack.enter_context(
            CsrWitness.start(directory / "ca-proxy", pebble.directory_url, pebble.ca_file)
        )
        api = stack.enter_context(FaultProxy.start(directory / "api-proxy", plane.url, plane.ca_file))
        ca.read = plane.read
        through = plane.service_account_kubeconfig(NAMESPACE, "certwright", through=(api.url, api.ca_file))
        # Of two flags of one name the later one counts. Services go at once, so that each case makes its own.
        flags = ("--log-level=debug", *front.flags, f"--kubeconfig={through}", "--route-linger=1s")
        operator = WarmOperator(directory / "mortal", plane, bench.nameserver, flags)
        stack.callback(operator.close)
        killing = KillBench(bench, ca, api, operator)
        killing.tenant = KillTenant(bench, ca, "killed")
        yield killing
