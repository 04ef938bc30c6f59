"""An operator that works in named namespaces only, under Roles and without any ClusterRole."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.cluster.conftest import ZONES, Tenant, start_operator
from tests.kit.bench import Bench
from tests.kit.front import Front
from tests.kit.nameserver import start_nameserver
from tests.kit.narrow_roles import OWN, WATCHED, grant
from tests.kit.operator_process import NAMESPACE, USER, install_without_rights
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import free_port
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.audit import AuditRequest
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

FORBIDDEN = 403
#: The operator's, in each namespace that it works in.
ROLE = "certwright-watched"
#: What kopf reads of the API server itself, and the probe of the client.
DISCOVERY = ("/api", "/version")


@dataclass
class Narrow:
    """A cluster of its own, its operator, and three namespaces of which two are watched."""

    bench: Bench
    operator: Operator
    shop: Tenant
    blog: Tenant
    elsewhere: Tenant

    def requests(self) -> list[AuditRequest]:
        """All that the operator asked so far."""
        return self.bench.control_plane.audit().requests(USER)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Narrow]:
    directory = tmp_path_factory.mktemp("narrow")
    settings = PebbleSettings(http_port=free_port())
    with Bench.start(directory, start_nameserver(ZONES), pebble=settings) as bench:
        plane = bench.control_plane
        install_without_rights(plane)
        grant(plane, NAMESPACE, "certwright-own", OWN)
        shop, blog, elsewhere = (Tenant(bench, name) for name in ("shop", "blog", "elsewhere"))
        for tenant in (shop, blog):
            grant(plane, tenant.namespace, ROLE, WATCHED)
        with Front.start(directory / "responder", plane, settings.http_port) as front:
            places = {"CERTWRIGHT_WATCH_NAMESPACES": "shop blog"}
            flags = ("--log-level=debug", f"--owner-role={ROLE}", *front.flags)
            operator = start_operator(bench, "narrow", *flags, env=places)
            yield Narrow(bench, operator, shop, blog, elsewhere)
            assert operator.stop() == 0, "the operator did not stop cleanly"


def test_certificates_of_watched_namespaces_are_issued_in_both_ways_and_no_request_is_refused(
    narrow: Narrow,
) -> None:
    for tenant in (narrow.shop, narrow.blog):
        tenant.apply(tenant.dns_key(), tenant.issuer(), tenant.issuer("web", solvers=[tenant.http01()]))
        tenant.apply(tenant.certificate("by-dns"), tenant.certificate("by-http", issuer="web"))
    for tenant in (narrow.shop, narrow.blog):
        tenant.await_ready("by-dns", "by-http")
        tenant.assert_pair("by-dns-tls")
        tenant.assert_pair("by-http-tls")
        eventually(partial(_is_tidy, tenant), "attempts and routes to be gone", 60)
    assert [each for each in narrow.requests() if each.code == FORBIDDEN] == []


def _is_tidy(tenant: Tenant) -> bool:
    return not tenant.attempts() and not tenant.exists("service", "certwright-solver")


def test_what_changes_in_a_watched_namespace_is_seen_by_its_watch(narrow: Narrow) -> None:
    tenant = narrow.shop
    tenant.apply(tenant.dns_key(), tenant.issuer())
    tenant.apply(tenant.certificate("lost"))
    tenant.await_ready("lost")
    before = tenant.get("secret", "lost-tls")["metadata"]["uid"]
    tenant.kubectl("delete", "secret", "lost-tls")
    eventually(lambda: tenant.exists("secret", "lost-tls"), "the deleted Secret to be made again", 60)
    assert tenant.get("secret", "lost-tls")["metadata"]["uid"] != before


def test_ingresses_of_watched_namespaces_are_heard_and_others_are_not(narrow: Narrow) -> None:
    here, away = narrow.shop, narrow.elsewhere
    here.apply(here.dns_key(), here.issuer())
    for tenant in (away, here):
        asks = {"certwright.dev/issuer": "ca", "kubernetes.io/tls-acme": "true"}
        tls = [{"secretName": "site-tls", "hosts": [f"site.{tenant.namespace}.example.test"]}]
        tenant.apply(
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "Ingress",
                "metadata": {"name": "site", "namespace": tenant.namespace, "annotations": asks},
                "spec": {
                    "ingressClassName": "nobody",
                    "tls": tls,
                    "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
                },
            }
        )
    eventually(lambda: here.exists("certificate", "site-tls"), "the Certificate", 30)
    here.await_ready("site-tls")
    assert not away.exists("certificate", "site-tls")
    here.kubectl("delete", "ingress", "site")
    eventually(lambda: not here.exists("certificate", "site-tls"), "its end", 30)
    assert [each for each in narrow.requests() if each.code == FORBIDDEN] == []


def test_other_namespaces_are_not_looked_at(narrow: Narrow) -> None:
    away, here = narrow.elsewhere, narrow.shop
    away.apply(away.dns_key(), away.issuer(), away.certificate("unseen"))
    here.apply(here.dns_key(), here.issuer(), here.certificate("seen-later"))
    here.await_ready("seen-later")
    for kind, name in (("certificate", "unseen"), ("issuer", "ca")):
        assert away.get(kind, name)["status"] == {"observedGeneration": -1}, "as the API server fills it in"
    assert not away.exists("secret", "ca-account")
    assert {each.namespace for each in narrow.requests() if each.resource} == {NAMESPACE, "shop", "blog"}


def test_a_cluster_issuer_is_not_asked_for_and_the_certificate_says_what_helps(narrow: Narrow) -> None:
    tenant = narrow.shop
    tenant.apply(tenant.issuer("for-all", kind="ClusterIssuer"))
    tenant.apply(tenant.certificate("wide", issuerRef={"name": "for-all", "kind": "ClusterIssuer"}))
    told = tenant.await_condition("wide", "Stalled", lambda found: found.get("status") == "True")
    assert told["reason"] == "ClusterIssuersOff"
    assert "name an Issuer of this namespace in spec.issuerRef" in told["message"]
    tenant.apply(tenant.dns_key(), tenant.issuer())
    tenant.patch("certificate", "wide", {"spec": {"issuerRef": {"name": "ca", "kind": "Issuer"}}})
    tenant.await_ready("wide")


def test_no_request_goes_beyond_namespaces_but_for_discovery(narrow: Narrow) -> None:
    beyond = {each.uri.partition("?")[0] for each in narrow.requests() if not each.namespace}
    assert all(path.startswith(DISCOVERY) and "/namespaces" not in path for path in beyond), beyond
    assert not [each for each in narrow.requests() if not each.namespace and each.resource]


def test_a_watched_namespace_that_is_gone_does_not_hold_up_the_others(narrow: Narrow) -> None:
    narrow.bench.control_plane.kubectl("delete", "namespace", "blog")
    assert narrow.operator.stop() == 0
    narrow.operator.begin({"CERTWRIGHT_WATCH_NAMESPACES": "shop blog"})
    tenant = narrow.shop
    tenant.apply(tenant.dns_key(), tenant.issuer(), tenant.certificate("all-the-same"))
    tenant.await_ready("all-the-same")
    refused = {each.namespace for each in narrow.requests() if each.code == FORBIDDEN}
    assert refused == {"blog"}
    back = Tenant(narrow.bench, "blog")
    grant(narrow.bench.control_plane, "blog", ROLE, WATCHED)
    back.apply(back.dns_key(), back.issuer(), back.certificate("back"))
    back.await_ready("back")


def test_routes_go_with_the_role_of_their_namespace_and_the_order_goes_on_with_the_next(
    narrow: Narrow,
) -> None:
    tenant, plane = narrow.shop, narrow.bench.control_plane
    wrong = {"name": "web", "http01": {"ingress": {"ingressClassName": "nobody"}}}
    tenant.apply(tenant.issuer("hung", solvers=[wrong]), tenant.certificate("hung", issuer="hung"))

    def owners() -> dict[str, str]:
        """By kind, the owner of what leads to the solver pods."""
        return {
            kind: each["metadata"]["ownerReferences"][0]["uid"]
            for kind in ("ingress", "service")
            for each in tenant.all(kind, selector="certwright.dev/solver")
        }

    def all_owned_by_the_role() -> bool:
        role = tenant.get("role", ROLE)["metadata"]["uid"]
        return owners() == {"ingress": role, "service": role}

    eventually(all_owned_by_the_role, "routes of the role's", 60)
    orders = narrow.bench.pebble.mark()
    tenant.kubectl("delete", "role", ROLE)
    eventually(lambda: owners() == {}, "the routes to be collected", 60)
    grant(plane, tenant.namespace, ROLE, WATCHED)
    eventually(all_owned_by_the_role, "routes of the new role's", 120)
    assert narrow.bench.pebble.requests(orders).arrived["new-order"] == 0
    tenant.apply(tenant.issuer("hung", solvers=[tenant.http01()]))
    tenant.await_ready("hung")
