"""The CA is gone for five minutes; a module of its own, so that others are tested meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.faulty_bench import faulty_bench, faulty_tenant
from tests.cluster.outages import an_outage_of_the_ca

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.faulty_bench import FaultyBench, FaultyTenant

pytestmark = [pytest.mark.cluster, pytest.mark.long]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyBench]:
    with faulty_bench(tmp_path_factory.mktemp("long-ca-outage")) as faulty:
        yield faulty


@pytest.fixture
def tenant(faulty: FaultyBench) -> Iterator[FaultyTenant]:
    with faulty_tenant(faulty) as tenant:
        yield tenant


def test_an_outage_of_five_minutes_costs_time_only(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    an_outage_of_the_ca(300, tenant, faulty)
