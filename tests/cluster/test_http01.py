"""HTTP-01 through a real solver pod's program: Pebble's requests pass Ingress, Service and EndpointSlice."""

from __future__ import annotations

import json
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.conftest import Tenant, next_namespace, token_rows
from tests.kit.operator_process import USER
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.kit.audit import AuditRequest, Mark
    from tests.kit.bench import Bench
    from tests.kit.front import Front
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

#: Seconds that forty certificates may take on a machine that does other things too; a quiet one takes ten.
FORTY_SECONDS = 240
WRITES = {"create", "update", "patch", "delete"}


@pytest.fixture
def web(bench: Bench, operator: Operator, front: Front) -> Iterator[Tenant]:  # noqa: ARG001  they must run
    """A namespace whose issuer proves by HTTP-01 alone."""
    tenant = http_tenant(bench)
    yield tenant
    tenant.kubectl("delete", "certificates.certwright.dev,issuers.certwright.dev", "--all")


def http_tenant(bench: Bench, *more: dict[str, Any]) -> Tenant:
    tenant = Tenant(bench, next_namespace())
    tenant.apply(tenant.dns_key(), tenant.issuer(solvers=[tenant.http01(), *more]))
    return tenant


def test_a_name_is_proven_through_ingress_and_solver_pod_and_nothing_is_left(
    web: Tenant, bench: Bench, front: Front
) -> None:
    name = f"web.{web.namespace}.example.test"
    web.apply(web.certificate("web", name))
    web.await_ready("web")
    web.assert_pair("web-tls")
    asked = [(host, status) for host, _, status in front.ingress.served if host == name]
    assert (name, 200) in asked, "the CA was answered by the solver pod"
    assert web.get("certificate", "web")["status"]["solver"] == "web"
    eventually(lambda: not web.attempts(), "the attempt to be gone")
    assert web.routes("ingress") == []
    eventually(
        lambda: not [row for row in token_rows(bench.control_plane) if name in row], "the row to be gone", 30
    )


def test_service_and_slices_go_a_while_after_the_last_use(web: Tenant) -> None:
    web.apply(web.certificate("web"))
    web.await_ready("web")
    eventually(lambda: web.routes() == [], "Service and EndpointSlices to be gone", 60)


def test_many_names_share_one_ingress(web: Tenant, bench: Bench) -> None:
    names = [f"{letter}.{web.namespace}.example.test" for letter in "abcdefgh"]
    mark = bench.control_plane.audit().mark()
    web.apply(web.certificate("web", *names))
    web.await_ready("web")
    written = _writes(bench, mark, {web.namespace})
    assert written["ingresses"] == 2


def test_what_the_look_finds_in_place_of_the_proof_is_told(web: Tenant, bench: Bench) -> None:
    mark = bench.pebble.mark()
    wrong = {"name": "web", "http01": {"ingress": {"ingressClassName": "nobody"}}}
    web.apply(web.issuer(solvers=[wrong]), web.certificate("web"))
    said = web.await_condition(
        "web", "Ready", lambda ready: "is not reachable yet" in ready.get("message", "")
    )
    assert said["reason"] == "AwaitingReachability"
    assert "404" in said["message"]
    assert "no route" not in said["message"], "bodies of strangers are not repeated"
    assert bench.pebble.requests(mark).arrived["challenge"] == 0, "no validation was burnt"
    web.apply(web.issuer(solvers=[web.http01()]))
    web.await_ready("web")


def test_a_wildcard_needs_dns_and_says_so(web: Tenant) -> None:
    # With no label in common: a TXT record below `web` or its parent ends the zone's own wildcard there (RFC 4592).
    names = [f"web.{web.namespace}.example.test", f"*.apps-{web.namespace}.example.test"]
    web.apply(web.certificate("web", *names))
    said = web.await_condition("web", "Ready", lambda ready: ready.get("reason") == "NoMatchingSolver")
    assert "wildcards can only be proven by DNS-01" in said["message"]
    dns = {"name": "dns", "dns01": {"rfc2136": web.rfc2136()}}
    web.apply(web.issuer(solvers=[web.http01(), dns]))
    web.await_ready("web")
    assert web.get("certificate", "web")["status"]["solver"] in ("web,dns", "dns,web")


def test_a_token_table_that_somebody_edits_keeps_its_rows_and_the_edit(web: Tenant, bench: Bench) -> None:
    def shown(name: str) -> bool:
        return any(f"{name}.{web.namespace}" in row for row in token_rows(bench.control_plane))

    wrong = {"name": "web", "http01": {"ingress": {"ingressClassName": "nobody"}}}
    web.apply(web.issuer(solvers=[wrong]), web.certificate("first"))
    eventually(lambda: shown("first"), "the first row", 30)
    tables = ("configmaps", "--namespace=certwright", "--selector=certwright.dev/table=tokens")
    bench.control_plane.kubectl("annotate", *tables, "example.test/edited=yes")
    web.apply(web.certificate("second"))
    eventually(lambda: shown("second"), "the second row", 30)
    assert shown("first")
    listed = bench.control_plane.kubectl_json("get", *tables)["items"]
    assert all(table["metadata"]["annotations"]["example.test/edited"] == "yes" for table in listed)


def test_a_certificate_deleted_while_it_is_proven_leaves_no_route(web: Tenant) -> None:
    wrong = {"name": "web", "http01": {"ingress": {"ingressClassName": "nobody"}}}
    web.apply(web.issuer(solvers=[wrong]), web.certificate("web"))
    eventually(lambda: web.routes("ingress"), "the Ingress", 30)
    web.kubectl("delete", "certificates.certwright.dev", "web")
    eventually(lambda: not web.attempts(), "the attempt to be gone", 60)
    assert web.routes("ingress") == []
    eventually(lambda: not web.tokens(), "the row to be gone", 30)


def test_forty_certificates_at_once_in_ten_namespaces(
    bench: Bench,
    operator: Operator,  # noqa: ARG001
    front: Front,  # noqa: ARG001
    tell: Callable[[str], None],
) -> None:
    tenants = [http_tenant(bench, dns_solver(bench)) for _ in range(10)]
    for tenant in tenants:
        tenant.await_ready("ca", kind="issuer")
    wanted = {f"{way}{i}": {"way": way} for way in ("http", "dns") for i in range(2)}
    before, ca_before = bench.control_plane.audit().mark(), bench.pebble.mark()
    began = time.monotonic()
    for tenant in tenants:
        tenant.apply(*(labelled(tenant.certificate(name), labels) for name, labels in wanted.items()))
    for tenant in tenants:
        tenant.await_ready(*wanted, timeout=FORTY_SECONDS)
    took = time.monotonic() - began
    for tenant in tenants:
        for name in wanted:
            tenant.assert_pair(f"{name}-tls")
            expected = "web" if name.startswith("http") else "dns"
            assert tenant.get("certificate", name)["status"]["solver"] == expected
        eventually(lambda tenant=tenant: not tenant.attempts(), "attempts to be gone")  # type: ignore[misc]
        assert tenant.names_in_use() == set(), "TXT records were left behind"
    eventually(lambda: token_rows(bench.control_plane) == [], "the token tables to be empty", 30)
    for tenant in tenants:
        eventually(lambda tenant=tenant: tenant.routes() == [], "routes to be gone", 60)  # type: ignore[misc]
    assert len(bench.pebble.requests(ca_before).finalized) == 40
    _assert_frugal(bench, before, {tenant.namespace for tenant in tenants}, took, tell)
    for tenant in tenants:
        tenant.kubectl("delete", "certificates.certwright.dev,issuers.certwright.dev", "--all")


def dns_solver(bench: Bench) -> dict[str, Any]:
    """A solver for Certificates that are labelled for it."""
    tenant = Tenant.__new__(Tenant)
    tenant.bench = bench
    return {
        "name": "dns",
        "selector": {"matchLabels": {"way": "dns"}},
        "dns01": {"rfc2136": tenant.rfc2136()},
    }


def labelled(certificate: dict[str, Any], labels: dict[str, str]) -> dict[str, Any]:
    certificate["metadata"]["labels"] = labels
    return certificate


def _writes(bench: Bench, since: Mark, namespaces: set[str]) -> Counter[str]:
    return Counter(
        each.resource
        for each in bench.control_plane.audit().requests(USER, since)
        if each.verb in WRITES and each.namespace in namespaces
    )


def _assert_frugal(
    bench: Bench, since: Mark, namespaces: set[str], took: float, tell: Callable[[str], None]
) -> None:
    """HTTP-01: at most 9 writes a certificate, 6 a namespace, and a write of a token table a second."""
    audit = bench.control_plane.audit()
    eventually(
        lambda: sum(each.resource == "events" for each in audit.requests(USER, since)) >= 40,
        "an event for each certificate",
    )
    # What the test before left is taken down within seconds.
    places = {*namespaces, "certwright"}
    written = [
        each for each in audit.requests(USER, since) if each.verb in WRITES and each.namespace in places
    ]
    kinds = Counter(f"{each.verb} {each.resource}/{each.subresource} {each.code}" for each in written)
    lines = [f"{count:4} {kind}" for kind, count in kinds.most_common()]
    tell("\n".join([f"40 certificates took {took:.1f} s", *lines]))
    own = [each for each in written if _is_of_certificates(each)]
    # The keeper of routes may find one that its attempt is just removing: then one of the two comes too late.
    routes = [each for each in own if each.resource == "ingresses" and each.code < 400]
    shared = [each for each in written if each.resource in ("services", "endpointslices")]
    tables = [each for each in written if each.resource == "configmaps"]
    assert len(routes) <= 2 * 20
    assert len(own) <= 9 * 20 + 7 * 20 + len(own) - sum(each.code < 400 for each in own)
    assert len(shared) <= 6 * len(namespaces)
    assert len(tables) <= took + 15, "at most one a second, and the last rows go within seconds"


def _is_of_certificates(request: AuditRequest) -> bool:
    aside = ("issuers", "leases", "services", "endpointslices", "configmaps")
    return request.resource not in aside


def test_a_route_follows_the_solver_pods(web: Tenant, bench: Bench, front: Front) -> None:
    """A solver pod that moves while a proof is up is where the route leads before the CA is told."""
    front.announce(bench.control_plane, ready=False)
    try:
        web.apply(web.certificate("web"))
        said = web.await_condition("web", "Ready", lambda ready: ready.get("reason") == "AwaitingSolver")
        assert "no solver pod is ready" in json.dumps(said).lower()
    finally:
        front.announce(bench.control_plane)
    web.await_ready("web")
