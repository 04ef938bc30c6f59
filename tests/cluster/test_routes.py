"""Routes on a real API server, under the shipped RBAC: accepted as they are, written seldom, gone in the end."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from certwright.failures import NeedsPerson, NotYet, Setback, TryLater
from certwright.kube.api import KubeApi
from certwright.kube.connection import load_configuration
from certwright.kube.route_owner import KubeRouteOwner
from certwright.kube.routes import KubeRoutes
from certwright.resources.conditions import Reason
from certwright.resources.http01_spec import Http01IngressSpec
from certwright.resources.names import FIELD_MANAGER, ApiNames
from certwright.resources.responder import Responder
from certwright.resources.scope import EVERYWHERE
from certwright.solver.http01 import Http01
from certwright.solver.routes import route_name
from certwright.solver.tables import Row
from tests.cluster.conftest import next_namespace
from tests.kit.operator_process import NAMESPACE
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.kit.control_plane import ControlPlane

pytestmark = pytest.mark.cluster

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LINGER = timedelta(minutes=10)
FOUR, OTHER_FOUR = (Responder(f"10.0.0.{n}", "IPv4", 8089, 8090) for n in (1, 2))
SIX = Responder("2001:db8::1", "IPv6", 8089, 8090)
WRITES = {"create", "update", "patch", "delete"}


class Tenancy:
    """A namespace, and an `Http01` that works on it with the operator's own permissions.

    Its requests are counted by the agent's name, because other operators use the same ServiceAccount.
    """

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.namespace = namespace
        self.agent = f"routes-of-{namespace}"
        self.pods: tuple[Responder, ...] = (FOUR, SIX)
        self.living: set[str] = set()
        self.shift = 0.0
        configuration = load_configuration(str(plane.service_account_kubeconfig(NAMESPACE, "certwright")))
        self.api = KubeApi(configuration, pool_size=2, field_manager=FIELD_MANAGER)
        self.api._client.user_agent = self.agent
        self.objects = KubeRoutes(self.api, ApiNames())
        plane.kubectl("create", "namespace", namespace)
        self.since = plane.audit().mark()
        self.restart()

    def restart(self, owner: Callable[[str], Any] = lambda _: None) -> None:
        self.http01 = Http01(
            routes=self.objects,
            responders=self,
            names=ApiNames(),
            checkpoint=lambda _: None,
            seconds=lambda: time.monotonic() + self.shift,
            linger=LINGER,
            owner=owner,
        )

    def read(self) -> tuple[Responder, ...]:
        return self.pods

    def ensure(self, owner: str, *hosts: str, **spec: Any) -> None:
        self.living.add(owner)
        rows = [Row(host, "tok", "tok.thumb") for host in hosts or ("www.example.org",)]
        self.http01.ensure_route(self.namespace, owner, 0, msgspec.convert(spec, Http01IngressSpec), rows)

    def eventually_ensure(self, owner: str) -> None:
        """As turns do: after a wait they ask again."""

        def asked() -> bool:
            self.shift += 10
            self.ensure(owner)
            return True

        eventually(asked, "the route", 30, tolerate=(NotYet,))

    def sweep(self, minutes: float = 0) -> None:
        """As the operator would, but other tests' routes on the same cluster are theirs."""
        ours = {route["metadata"]["labels"]["certwright.dev/attempt"] for route in self.listed("ingresses")}
        self.http01.sweep(
            lambda owner: owner in self.living or owner not in ours, NOON + timedelta(minutes=minutes)
        )

    def listed(self, kind: str) -> list[Any]:
        return self.plane.read.all(kind, self.namespace)

    def names(self) -> list[str]:
        kinds = ("services", "endpointslices", "ingresses")
        return sorted(each["metadata"]["name"] for kind in kinds for each in self.listed(kind))

    def written(self) -> Counter[str]:
        """Kinds of the objects that were written to since the last look."""
        seen = self.plane.audit().requests(since=self.since)
        self.since = self.plane.audit().mark()
        return Counter(
            one.resource for one in seen if one.agent.startswith(self.agent) and one.verb in WRITES
        )

    def kubectl(self, *args: str, **options: Any) -> str:
        return self.plane.kubectl(*args, "--namespace", self.namespace, **options)


@pytest.fixture
def tenancy(control_plane: ControlPlane) -> Iterator[Tenancy]:
    tenancy = Tenancy(control_plane, next_namespace())
    yield tenancy
    control_plane.kubectl("delete", "namespace", tenancy.namespace, "--wait=false", "--ignore-not-found")


SPECS = [
    pytest.param({}, id="default class"),
    pytest.param({"ingressClassName": "traefik", "pathType": "Prefix"}, id="a class, prefix"),
    pytest.param({"class": "nginx", "pathType": "ImplementationSpecific"}, id="a class by annotation"),
    pytest.param(
        {
            "ingressTemplate": {
                "metadata": {"labels": {"team": "shop"}, "annotations": {"example.org/a": "b"}}
            }
        },
        id="a template",
    ),
]


@pytest.mark.parametrize("spec", SPECS)
def test_every_manifest_is_accepted_strictly_and_read_back_as_wanted(tenancy: Tenancy, spec: Any) -> None:
    hosts = ("a.example.org", "xn--bcher-kva.example.org")
    tenancy.ensure("a1", *hosts, **spec)
    assert tenancy.written() == {"services": 1, "endpointslices": 2, "ingresses": 1}
    tenancy.restart()
    tenancy.ensure("a1", *hosts, **spec)
    assert tenancy.written() == {}
    assert tenancy.names() == sorted(
        ["certwright-solver", "certwright-solver-ipv4", "certwright-solver-ipv6", route_name("a1", 0)]
    )
    (service,) = tenancy.listed("services")
    assert "selector" not in service["spec"]
    assert service["spec"]["clusterIP"]


def test_a_whole_life_costs_few_writes_and_leaves_nothing(tenancy: Tenancy) -> None:
    """Ten attempts; one solver pod is replaced meanwhile; garbage collection takes the slices."""
    for n in range(10):
        tenancy.ensure(f"a{n}")
        tenancy.shift += 10
        tenancy.ensure(f"a{n}")
    tenancy.pods = (OTHER_FOUR, SIX)
    tenancy.http01.refresh()
    tenancy.sweep()
    for n in range(10):
        tenancy.http01.remove_route(tenancy.namespace, f"a{n}", 0)
    tenancy.living.clear()
    tenancy.sweep()
    tenancy.sweep(minutes=10)
    assert tenancy.written() == {"services": 2, "endpointslices": 3, "ingresses": 20}
    eventually(
        lambda: tenancy.names() == [], "everything to be gone", 30, explain=lambda: str(tenancy.names())
    )


def test_routes_go_with_the_cluster_role_that_owns_them_and_come_back_with_the_next(tenancy: Tenancy) -> None:
    name, plane = f"owner-of-{tenancy.namespace}", tenancy.plane

    def make() -> str:
        itself = ("--verb=get", "--resource=clusterroles", f"--resource-name={name}")
        made = plane.kubectl_json("create", "clusterrole", name, *itself)
        return str(made["metadata"]["uid"])

    def owners() -> set[str]:
        found = (*tenancy.listed("services"), *tenancy.listed("ingresses"))
        assert len(found) == 2
        return {owner["uid"] for each in found for owner in each["metadata"]["ownerReferences"]}

    account = f"--serviceaccount={NAMESPACE}:certwright"
    plane.kubectl("create", "clusterrolebinding", name, f"--clusterrole={name}", account)
    first = make()
    tenancy.restart(
        KubeRouteOwner(tenancy.api, EVERYWHERE, name, lambda: time.monotonic() + tenancy.shift).of
    )
    tenancy.ensure("a1")
    assert owners() == {first}
    plane.kubectl("delete", "clusterrole", name)
    eventually(lambda: tenancy.names() == [], "everything to be collected", 30)
    second = make()
    tenancy.eventually_ensure("a1")
    assert owners() == {second}
    assert len(tenancy.names()) == 4
    plane.kubectl("delete", "clusterrole,clusterrolebinding", name)


def test_routes_without_an_owner_get_one_beside_that_of_others_and_keep_what_others_name(
    tenancy: Tenancy,
) -> None:
    tenancy.ensure("a1")
    (service,) = tenancy.listed("services")
    foreign = {"apiVersion": "v1", "kind": "Service", "name": "certwright-solver"}
    foreign["uid"] = service["metadata"]["uid"]
    patch = json.dumps({"metadata": {"ownerReferences": [foreign]}})
    tenancy.kubectl("patch", "ingress", route_name("a1", 0), "--type=merge", f"--patch={patch}")
    tenancy.written()
    owner = KubeRouteOwner(tenancy.api, EVERYWHERE, "certwright", time.monotonic)
    tenancy.restart(owner.of)
    tenancy.ensure("a1")
    assert tenancy.written() == {"services": 1, "ingresses": 1}
    (ingress,) = tenancy.listed("ingresses")
    role = tenancy.plane.kubectl_json("get", "clusterrole", "certwright")
    assert {each["uid"] for each in ingress["metadata"]["ownerReferences"]} == {
        role["metadata"]["uid"],
        foreign["uid"],
    }
    tenancy.restart(owner.of)
    tenancy.ensure("a1")
    assert tenancy.written() == {}
    tenancy.ensure("a1", "other.example.org")
    (ingress,) = tenancy.listed("ingresses")
    assert len(ingress["metadata"]["ownerReferences"]) == 2


def test_routes_that_a_dead_process_left_are_swept(tenancy: Tenancy) -> None:
    tenancy.ensure("a1")
    tenancy.ensure("a2")
    tenancy.restart()
    tenancy.living = {"a2"}
    tenancy.sweep()
    assert [each["metadata"]["name"] for each in tenancy.listed("ingresses")] == [route_name("a2", 0)]


def test_a_service_that_somebody_deleted_comes_back_with_its_slices(tenancy: Tenancy) -> None:
    tenancy.ensure("a1")
    tenancy.kubectl("delete", "service", "certwright-solver")
    tenancy.eventually_ensure("a1")

    def whole() -> bool:
        (service,) = tenancy.listed("services")
        owners = [each["metadata"]["ownerReferences"][0]["uid"] for each in tenancy.listed("endpointslices")]
        return owners == [service["metadata"]["uid"]] * 2

    eventually(whole, "both slices to belong to the new Service", 30)


def test_what_others_put_on_our_objects_stays(tenancy: Tenancy) -> None:
    tenancy.ensure("a1")
    tenancy.kubectl("label", "ingress", route_name("a1", 0), "mesh=on")
    tenancy.kubectl("annotate", "service", "certwright-solver", "example.org/note=hello")
    tenancy.written()
    tenancy.shift += 10
    tenancy.ensure("a1")
    assert tenancy.written() == {}
    tenancy.ensure("a1", "other.example.org")
    (ingress,) = tenancy.listed("ingresses")
    assert ingress["metadata"]["labels"]["mesh"] == "on"
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["other.example.org"]


def test_a_foreign_service_of_our_name_is_named_and_left_alone(tenancy: Tenancy) -> None:
    tenancy.kubectl("create", "service", "clusterip", "certwright-solver", "--tcp=80:80")
    with pytest.raises(NeedsPerson, match=f"Service {tenancy.namespace}/certwright-solver") as refused:
        tenancy.ensure("a1")
    assert refused.value.reason == Reason.ROUTE_REFUSED.word
    assert tenancy.written() == {}


def test_families_come_and_go(tenancy: Tenancy) -> None:
    tenancy.ensure("a1")
    for pods, shown in [((FOUR,), [1, 0]), ((), [0, 0]), ((FOUR, OTHER_FOUR, SIX), [2, 1])]:
        tenancy.pods = pods
        tenancy.http01.refresh()
        slices = sorted(tenancy.listed("endpointslices"), key=lambda each: str(each["addressType"]))
        assert [len(each["endpoints"] or []) for each in slices] == shown


def quota(tenancy: Tenancy) -> None:
    tenancy.kubectl("create", "quota", "none", "--hard=count/ingresses.networking.k8s.io=0")
    path = "jsonpath={.status.hard}"
    eventually(
        lambda: tenancy.kubectl("get", "quota", "none", f"--output={path}"), "the quota to be counted", 60
    )


def policy(tenancy: Tenancy) -> None:
    """Nobody may make an Ingress here."""
    name = f"no-ingress-in-{tenancy.namespace}"
    constraints = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": tenancy.namespace}},
        "resourceRules": [
            {
                "apiGroups": ["networking.k8s.io"],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["ingresses"],
            }
        ],
    }
    group = "admissionregistration.k8s.io/v1"
    rule = {"expression": "false", "message": "ask the platform team for a host"}
    objects = [
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {"matchConstraints": constraints, "validations": [rule]},
        },
        {
            "apiVersion": group,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        },
    ]
    items = {"apiVersion": "v1", "kind": "List", "items": objects}
    tenancy.plane.kubectl("apply", "--filename=-", input=json.dumps(items))

    def in_force() -> bool:
        made = ("create", "ingress", "probe", "--rule=x.org/*=x:80", "--dry-run=server")
        return "platform team" in tenancy.kubectl(*made, check=False)

    eventually(in_force, "the policy to be in force", 60)


def terminating(tenancy: Tenancy) -> None:
    """The namespace is going, but something in it holds it up."""
    held = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "held", "namespace": tenancy.namespace, "finalizers": ["example.org/held"]},
    }
    tenancy.plane.kubectl("apply", "--filename=-", input=json.dumps(held))
    tenancy.plane.kubectl("delete", "namespace", tenancy.namespace, "--wait=false")


HINDRANCES = [
    pytest.param(quota, TryLater, "exceeded quota: none", id="a quota"),
    pytest.param(policy, NeedsPerson, "ask the platform team for a host", id="a policy"),
    pytest.param(terminating, TryLater, "because it is being terminated", id="a namespace that is going"),
]


@pytest.mark.parametrize(("hinder", "kind", "words"), HINDRANCES)
def test_a_refusal_is_told_in_the_servers_words_and_what_was_made_can_be_removed(
    tenancy: Tenancy, hinder: Callable[[Tenancy], None], kind: type[Setback], words: str
) -> None:
    hinder(tenancy)
    tenancy.written()
    with pytest.raises(kind, match=words) as refused:
        tenancy.ensure("a1")
    assert refused.value.reason == Reason.ROUTE_REFUSED.word
    assert max(tenancy.written().values()) <= 2, "no storm"
    tenancy.http01.remove_route(tenancy.namespace, "a1", 0)
    if hinder is terminating:
        tenancy.kubectl(
            "patch", "configmap", "held", "--type=merge", '--patch={"metadata":{"finalizers":null}}'
        )


MAY = ["get", "list", "create", "patch", "delete"]
PERMITTED = {
    # Watched for their annotations.
    "ingresses.networking.k8s.io": [*MAY, "watch"],
    "services": MAY,
    "endpointslices.discovery.k8s.io": ["get", "create", "patch"],
}


@pytest.mark.parametrize("resource", PERMITTED)
def test_the_operator_may_do_no_more_than_routes_need(control_plane: ControlPlane, resource: str) -> None:
    who = f"--as=system:serviceaccount:{NAMESPACE}:certwright"
    verbs = [*MAY, "update", "watch", "deletecollection"]
    allowed = [
        verb
        for verb in verbs
        if control_plane.kubectl(
            "auth", "can-i", verb, resource, who, "--namespace=default", check=False
        ).strip()
        == "yes"
    ]
    assert allowed == PERMITTED[resource]
