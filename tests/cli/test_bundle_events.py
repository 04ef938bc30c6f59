"""Which Events are in a support archive: those of our kinds, wherever they stand, and ours of Ingresses."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_bundle import FORBIDDEN, OURS, SHOP, WANTED, about, bundle, full

if TYPE_CHECKING:
    from certwright.cli.bundle_parts import Contents


def told_of(kind: str, name: str, namespace: str = "shop", by: str = "certwright.dev/certwright") -> Any:
    """An Event as core/v1 has it."""
    version = "networking.k8s.io/v1" if kind == "Ingress" else "certwright.dev/v1"
    return {
        "metadata": {"name": f"{kind}.{name}", "namespace": namespace},
        "involvedObject": about(kind, name, version),
        "reportingComponent": by,
    }


def events_in(contents: Contents) -> list[str]:
    files = [text for path, text in contents.files.items() if path.endswith("events.json")]
    return sorted(each["metadata"]["name"] for text in files for each in json.loads(text))


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (
            (),
            [
                "Certificate.api",
                "ClusterIssuer.corp",
                "ClusterIssuer.idle",
                "Ingress.a",
                "Ingress.b",
                "Issuer.ca",
            ],
        ),
        (("web",), ["ClusterIssuer.corp", "Ingress.a"]),
        (("api",), ["Certificate.api", "Issuer.ca"]),
    ],
)
def test_events_of_cluster_issuers_and_ingresses_are_in_it(names: tuple[str, ...], found: list[str]) -> None:
    cluster = full("MARKER")
    web = cluster.objects[f"{SHOP}/certificates/web"]
    web["spec"]["issuerRef"] = {"kind": "ClusterIssuer", "name": "corp"}
    web["metadata"]["ownerReferences"] = [{"kind": "Ingress", "name": "a", "controller": True}]
    cluster.objects[f"{SHOP}/certificates/api"] = cluster.objects[f"{SHOP}/certificates"][1]
    everywhere = f"{OURS}/clusterissuers"
    cluster.objects[everywhere] = [{"metadata": {"name": name}, "spec": {}} for name in ("corp", "idle")]
    cluster.objects["/api/v1/namespaces/shop/events"] = [
        told_of("Certificate", "api"),
        told_of("Issuer", "ca"),
        told_of("Ingress", "a"),
        told_of("Ingress", "b"),
        told_of("Ingress", "b2", by="nginx"),
    ]
    cluster.objects["/api/v1/namespaces/default/events"] = [
        told_of("ClusterIssuer", "corp", "default"),
        told_of("ClusterIssuer", "idle", "default"),
        told_of("Certificate", "web", "default"),
    ]
    contents, _ = bundle(cluster, replace(WANTED, names=names))
    assert events_in(contents) == found


def test_where_events_of_cluster_issuers_may_not_be_read_the_others_are_there() -> None:
    cluster = full("MARKER")
    cluster.objects[f"{OURS}/clusterissuers"] = [{"metadata": {"name": "corp"}}]
    cluster.refused = {"/api/v1/namespaces/default/events": FORBIDDEN}
    contents, _ = bundle(cluster)
    assert events_in(contents) == ["e"]
    assert "Events of ClusterIssuers" in [what for what, _ in contents.unread]
