"""The API server or the CA is gone for seconds, for a minute and a half, or for five."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.faulty_bench import faulty_bench, faulty_tenant
from tests.cluster.outages import an_outage_of_the_api_server, an_outage_of_the_ca

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.faulty_bench import FaultyBench, FaultyTenant

pytestmark = pytest.mark.cluster

SECONDS = pytest.mark.parametrize("seconds", [5, 90, pytest.param(300, marks=pytest.mark.long)])


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyBench]:
    with faulty_bench(tmp_path_factory.mktemp("outages")) as faulty:
        yield faulty


@pytest.fixture
def tenant(faulty: FaultyBench) -> Iterator[FaultyTenant]:
    with faulty_tenant(faulty) as tenant:
        yield tenant


@SECONDS
def test_an_outage_of_the_api_server_costs_time_only(
    seconds: float, tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    an_outage_of_the_api_server(seconds, tenant, faulty)


@SECONDS
def test_an_outage_of_the_ca_costs_time_only(
    seconds: float, tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    an_outage_of_the_ca(seconds, tenant, faulty)
