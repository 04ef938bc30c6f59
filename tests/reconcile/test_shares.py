"""In which lanes keys are worked on, and what goes first."""

from __future__ import annotations

import pytest

from certwright.engine.lanes import Lanes
from certwright.engine.queue import Priority
from certwright.reconcile.cache import Cache
from certwright.reconcile.shares import lanes_of, priority_of
from certwright.resources.certificate import read_certificate
from certwright.resources.names import Ref
from tests.reconcile.fakes import NAMES
from tests.reconcile.world import certificate_spec

WEB = Ref("Certificate", "shop", "web")
KEYS = [
    (WEB, Lanes("Issuer shop/ca", "shop"), Priority.NORMAL),
    (Ref("Certificate", "shop", "unknown"), Lanes("", "shop"), Priority.NORMAL),
    (Ref("Issuer", "shop", "ca"), Lanes("Issuer shop/ca", "shop"), Priority.URGENT),
    (Ref("ClusterIssuer", "", "all"), Lanes("ClusterIssuer all", ""), Priority.URGENT),
    (Ref("Ingress", "shop", "site"), Lanes("Ingress", "shop"), Priority.NORMAL),
]


@pytest.mark.parametrize(("ref", "lanes", "priority"), KEYS, ids=str)
def test_issuers_go_first_and_each_kind_has_its_lanes(ref: Ref, lanes: Lanes, priority: Priority) -> None:
    cache = Cache()
    metadata = {"name": "web", "namespace": "shop", "uid": "u", "resourceVersion": "1"}
    cache.put_certificate(read_certificate({"metadata": metadata, "spec": certificate_spec()}, NAMES))
    assert (lanes_of(ref, cache), priority_of(ref)) == (lanes, priority)
