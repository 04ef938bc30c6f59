"""The objects that make a route: what they say, whose they are, and when one needs no write."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.resources.http01_spec import Http01IngressSpec
from certwright.resources.names import ApiNames
from certwright.resources.responder import Responder
from certwright.solver.routes import (
    MOST_ENDPOINTS,
    ingress_manifest,
    is_ours,
    reachable,
    route_name,
    service_manifest,
    shows,
    slice_manifest,
    slice_name,
)
from certwright.solver.tables import Row

NAMES = ApiNames()
OWNER = "certwright-attempt-0123456789abcdef0123"
ROW = Row("www.example.org", "tok", "tok.thumb")


def ingress(*rows: Row, **spec: Any) -> Any:
    """The Ingress of a solver whose block `ingress` has these fields."""
    parsed = msgspec.convert(spec, Http01IngressSpec)
    return ingress_manifest(NAMES, "shop", OWNER, 0, spec=parsed, rows=rows or [ROW])


def pods(*addresses: str, port: int = 8089) -> tuple[Responder, ...]:
    return tuple(Responder(each, "IPv6" if ":" in each else "IPv4", port, port + 1) for each in addresses)


def paths(manifest: Any) -> dict[str, list[str]]:
    return {
        rule["host"]: [path["path"] for path in rule["http"]["paths"]] for rule in manifest["spec"]["rules"]
    }


def test_a_route_leads_one_exact_path_of_one_host_to_the_service() -> None:
    assert ingress()["spec"] == {
        "rules": [
            {
                "host": "www.example.org",
                "http": {
                    "paths": [
                        {
                            "path": "/.well-known/acme-challenge/tok",
                            "pathType": "Exact",
                            "backend": {"service": {"name": "certwright-solver", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ]
    }


def test_hosts_are_in_order_and_several_tokens_of_one_host_are_several_paths() -> None:
    rows = [
        Row("b.org", "2", "2.t"),
        Row("a.org", "9", "9.t"),
        Row("b.org", "1", "1.t"),
        Row("b.org", "2", "2.t"),
    ]
    prefix = "/.well-known/acme-challenge/"
    assert paths(ingress(*rows)) == {"a.org": [f"{prefix}9"], "b.org": [f"{prefix}1", f"{prefix}2"]}
    assert list(paths(ingress(*rows))) == ["a.org", "b.org"]


@given(rows=st.permutations([Row(f"h{n % 3}.org", str(n), f"{n}.t") for n in range(6)]))
def test_the_order_of_rows_makes_no_other_route(rows: list[Row]) -> None:
    assert ingress(*rows) == ingress(*sorted(rows))


CLASSES = [
    pytest.param({}, None, None, id="nothing said: the cluster's default class"),
    pytest.param({"ingressClassName": "traefik"}, "traefik", None, id="by field"),
    pytest.param({"class": "nginx"}, None, "nginx", id="by annotation"),
]


@pytest.mark.parametrize(("spec", "name", "annotation"), CLASSES)
def test_the_class_is_named_as_the_solver_names_it(
    spec: Any, name: str | None, annotation: str | None
) -> None:
    manifest = ingress(**spec)
    assert manifest["spec"].get("ingressClassName") == name
    assert manifest["metadata"]["annotations"].get("kubernetes.io/ingress.class") == annotation


@pytest.mark.parametrize("kind", ["Exact", "Prefix", "ImplementationSpecific"])
def test_the_path_type_is_the_solvers(kind: str) -> None:
    (rule,) = ingress(pathType=kind)["spec"]["rules"]
    assert [path["pathType"] for path in rule["http"]["paths"]] == [kind]


def test_the_ca_is_let_through_where_a_cluster_allows_few_addresses() -> None:
    (value,) = ingress()["metadata"]["annotations"].values()
    assert value == "0.0.0.0/0,::/0"


def test_a_template_wins_over_what_we_would_say_but_not_over_whose_it_is() -> None:
    template = {
        "labels": {
            "team": "shop",
            "app.kubernetes.io/managed-by": "shop",
            NAMES.solver_label: "none",
            NAMES.attempt_label: "other",
        },
        "annotations": {"nginx.ingress.kubernetes.io/whitelist-source-range": "192.0.2.0/24", "a": "b"},
    }
    metadata = ingress(ingressTemplate={"metadata": template})["metadata"]
    assert metadata["labels"] == {
        "team": "shop",
        "app.kubernetes.io/managed-by": "shop",
        "certwright.dev/solver": "http-01",
        "certwright.dev/attempt": OWNER,
    }
    assert metadata["annotations"] == template["annotations"]


def test_a_class_wins_over_a_template_that_names_another() -> None:
    template = {"annotations": {"kubernetes.io/ingress.class": "haproxy"}}
    manifest = ingress(**{"class": "nginx"}, ingressTemplate={"metadata": template})
    assert manifest["metadata"]["annotations"]["kubernetes.io/ingress.class"] == "nginx"


def test_templates_are_not_written_into() -> None:
    spec = msgspec.convert(
        {"class": "nginx", "ingressTemplate": {"metadata": {"labels": {"a": "b"}}}}, Http01IngressSpec
    )
    for owner in ("one", "two"):
        ingress_manifest(NAMES, "shop", owner, 0, spec=spec, rows=[ROW])
    assert spec.ingress_template.metadata.labels == {"a": "b"}
    assert spec.ingress_template.metadata.annotations == {}


@given(st.text(max_size=80), st.integers(0, 10**6), st.text(max_size=80), st.integers(0, 10**6))
def test_names_of_routes_differ_and_are_names(owner: str, position: int, other: str, place: int) -> None:
    name = route_name(owner, position)
    assert len(name) <= 63
    assert name.replace("-", "").isalnum()
    assert name == name.lower()
    assert (name == route_name(other, place)) == ((owner, position) == (other, place))


def test_nothing_of_a_route_is_encrypted_or_owned() -> None:
    manifest = ingress()
    assert "tls" not in manifest["spec"]
    assert "ownerReferences" not in manifest["metadata"]


def test_the_service_selects_nobody_and_has_both_families_where_the_cluster_has() -> None:
    manifest = service_manifest(NAMES, "shop", 8089)
    assert manifest["metadata"]["name"] == "certwright-solver"
    assert manifest["spec"] == {
        "type": "ClusterIP",
        "ipFamilyPolicy": "PreferDualStack",
        "ports": [{"name": "http", "port": 80, "targetPort": 8089, "protocol": "TCP", "appProtocol": "http"}],
    }


def test_a_slice_has_the_addresses_of_one_family_and_goes_with_its_service() -> None:
    manifest = slice_manifest(NAMES, "shop", "IPv6", pods("2001:db8::1", "2001:db8::2"), "uid-1")
    assert manifest["metadata"] == {
        "name": "certwright-solver-ipv6",
        "namespace": "shop",
        "labels": {
            "app.kubernetes.io/managed-by": "certwright",
            "certwright.dev/solver": "http-01",
            "kubernetes.io/service-name": "certwright-solver",
            "endpointslice.kubernetes.io/managed-by": "certwright.dev",
        },
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Service", "name": "certwright-solver", "uid": "uid-1"}
        ],
    }
    assert manifest["addressType"] == "IPv6"
    assert manifest["ports"] == [{"name": "http", "port": 8089, "protocol": "TCP", "appProtocol": "http"}]
    assert manifest["endpoints"] == [
        {"addresses": ["2001:db8::1"], "conditions": {"ready": True}},
        {"addresses": ["2001:db8::2"], "conditions": {"ready": True}},
    ]


def test_a_slice_carries_no_more_than_controllers_put_into_one() -> None:
    many = pods(*(f"10.0.{n // 250}.{n % 250}" for n in range(300)))
    assert len(slice_manifest(NAMES, "shop", "IPv4", many, "uid")["endpoints"]) == MOST_ENDPOINTS


def test_a_slice_without_anybody_is_empty() -> None:
    manifest = slice_manifest(NAMES, "shop", "IPv4", (), "uid")
    assert (manifest["ports"], manifest["endpoints"]) == ([], [])


def test_pods_on_another_port_than_most_are_left_out_while_a_rollout_changes_it() -> None:
    new, old = pods("10.0.0.3", "10.0.0.1", port=9000), pods("10.0.0.2")
    assert [each.address for each in reachable((*new, *old))] == ["10.0.0.1", "10.0.0.3"]
    assert reachable((*new[:1], *old)) == old
    assert reachable(()) == ()


def test_everything_that_is_made_is_known_as_ours_again() -> None:
    for manifest in (
        ingress(),
        service_manifest(NAMES, "shop", 1),
        slice_manifest(NAMES, "shop", "IPv4", (), ""),
    ):
        assert is_ours(NAMES, manifest)


@pytest.mark.parametrize(
    "labels", [None, {}, {"certwright.dev/solver": "dns-01"}, {"other.dev/solver": "http-01"}]
)
def test_nothing_else_is_ours(labels: Any) -> None:
    assert not is_ours(NAMES, {"metadata": {"name": "certwright-solver", "labels": labels}})


WANTED = {"labels": {"a": "1"}, "ports": [{"port": 80}], "endpoints": []}
LIVE: list[Any] = [
    pytest.param({"labels": {"a": "1"}, "ports": [{"port": 80}], "endpoints": []}, True, id="the same"),
    pytest.param(
        {"labels": {"a": "1"}, "ports": [{"port": 80}]}, True, id="nothing in place of an empty list"
    ),
    pytest.param(
        {"labels": {"a": "1"}, "ports": [{"port": 80}], "endpoints": None}, True, id="null in its place"
    ),
    pytest.param(
        {"labels": {"a": "1", "b": "2"}, "ports": [{"port": 80, "nodePort": 3}], "status": {}},
        True,
        id="more",
    ),
    pytest.param({"labels": {"a": "2"}, "ports": [{"port": 80}]}, False, id="another value"),
    pytest.param({"labels": {}, "ports": [{"port": 80}]}, False, id="a label less"),
    pytest.param({"labels": None, "ports": [{"port": 80}]}, False, id="no labels"),
    pytest.param(
        {"labels": {"a": "1"}, "ports": [{"port": 80}, {"port": 81}]}, False, id="an entry too many"
    ),
    pytest.param({"labels": {"a": "1"}}, False, id="no entry"),
    pytest.param({"labels": {"a": "1"}, "ports": [{"port": 80}], "endpoints": [1]}, False, id="not empty"),
]


@pytest.mark.parametrize(("live", "same"), LIVE)
def test_what_others_add_is_no_difference_and_what_they_change_is(live: Any, same: bool) -> None:  # noqa: FBT001
    assert shows(live, WANTED) is same


def test_slices_of_the_two_families_have_two_names() -> None:
    assert (slice_name("IPv4"), slice_name("IPv6")) == ("certwright-solver-ipv4", "certwright-solver-ipv6")
