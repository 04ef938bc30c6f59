"""Whatever the CA or the way to it does, the same order goes on, and soon: no second one, no second finalize."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.faulty_bench import GOES_ON, WAYS, WORK, faulty_bench, faulty_tenant
from tests.kit.fake_ca_faults import problem
from tests.kit.faults import DropAnswer, Hang, Reset, acme, refusal
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.faulty_bench import FaultyBench, FaultyTenant
    from tests.kit.faults import Fault

pytestmark = pytest.mark.cluster

#: What an order needs, in its order.
ENDPOINTS = ("new-nonce", "new-order", "authorization", "challenge", "order", "finalize", "certificate")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyBench]:
    with faulty_bench(tmp_path_factory.mktemp("ca-faults")) as faulty:
        yield faulty


@pytest.fixture
def tenant(faulty: FaultyBench) -> Iterator[FaultyTenant]:
    with faulty_tenant(faulty) as tenant:
        yield tenant


TROUBLES: dict[str, Fault] = {
    "503 with Retry-After": refusal(503, retry_after=2),
    "500": refusal(500),
    "a reset connection": Reset(),
}
#: Seconds for failures of one certificate: without a wish, a refusal is held for a minute, then for two, then for five.
TWO_HOLDS, THREE_HOLDS = 200, 530


@pytest.mark.parametrize("trouble", TROUBLES)
def test_passing_trouble_at_each_endpoint(trouble: str, tenant: FaultyTenant, faulty: FaultyBench) -> None:
    """Each endpoint fails twice, and orders that were placed go on; one may meet several of the failures."""
    mark = faulty.bench.pebble.mark()
    rules = [faulty.ca.rule(acme(endpoint), TROUBLES[trouble], times=2) for endpoint in ENDPOINTS]
    # A nonce comes with each answer, so that one is asked for only after some were lost.
    names = [name for number in range(4) for name in tenant.of_each_way(f"web-{number}")]
    tenant.seconds_until_done(*names, timeout=THREE_HOLDS + WORK)
    for rule, endpoint in zip(rules, ENDPOINTS, strict=True):
        assert rule.hits > 0 or endpoint == "new-nonce", endpoint
        rule.remove()
    tenant.assert_done(mark, len(names))


@pytest.mark.parametrize("trouble", TROUBLES)
def test_passing_trouble_while_an_account_is_opened(
    trouble: str, tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    mark = faulty.bench.pebble.mark()
    for endpoint in ("directory", "new-nonce", "new-account"):
        faulty.ca.rule(acme(endpoint), TROUBLES[trouble], times=1)
    tenant.apply(tenant.issuer("late", solvers=[tenant.http01()]))
    tenant.await_ready("late", kind="issuer", timeout=TWO_HOLDS + WORK)
    assert faulty.bench.pebble.requests(mark).accounts_added == 1


def test_renewal_advice_is_optional(tenant: FaultyTenant, faulty: FaultyBench) -> None:
    mark = faulty.bench.pebble.mark()
    with faulty.ca.rule(acme("renewal-info"), refusal(503)) as rule:
        names = tenant.of_each_way("web")
        tenant.seconds_until_done(*names)
    assert rule.hits > 0
    tenant.assert_done(mark, len(names))


def test_a_ca_that_takes_requests_and_says_nothing_is_left_alone(
    tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    """The answer to an order's poll never comes: the turn gives up, and the same order goes on."""
    mark = faulty.bench.pebble.mark()
    faulty.ca.rule(acme("order"), Hang(), times=2)
    names = tenant.of_each_way("web")
    tenant.seconds_until_done(*names, timeout=30 + GOES_ON + WORK)
    tenant.assert_done(mark, len(names))


#: Orders that are lost for each lost answer: the URL of a new order is in the answer, and Pebble makes a new one each
#: time; others find the pending order of the same names again.
LOST_ANSWERS = {"new-order": 1, "authorization": 0, "challenge": 0, "finalize": 0, "certificate": 0}


@pytest.mark.parametrize("endpoint", LOST_ANSWERS)
def test_the_ca_acted_and_its_answer_was_lost(
    endpoint: str, tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    mark = faulty.bench.pebble.mark()
    with faulty.ca.rule(acme(endpoint), DropAnswer(), times=2) as rule:
        names = tenant.of_each_way("web")
        tenant.seconds_until_done(*names)
    assert rule.hits == 2
    tenant.assert_done(mark, len(names), lost_orders=2 * LOST_ANSWERS[endpoint])


def test_an_account_whose_registration_was_not_heard_of_is_found_again(
    tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    """The key was stored first, and the CA knows an account by its key (RFC 8555 §7.3.1)."""
    mark = faulty.bench.pebble.mark()
    with faulty.ca.rule(acme("new-account"), DropAnswer(), times=1) as rule:
        tenant.apply(tenant.issuer("late", solvers=[tenant.http01()]))
        tenant.await_ready("late", kind="issuer", timeout=GOES_ON + WORK)
    assert rule.hits == 1
    assert faulty.bench.pebble.requests(mark).accounts_added == 1


TOO_MANY = "too many new orders (300) from this account in the last 3h0m0s"


def test_a_limit_of_the_account_holds_all_its_orders_also_after_a_restart(
    tenant: FaultyTenant, faulty: FaultyBench
) -> None:
    def limits() -> list[str]:
        return [each["detail"] for each in tenant.get("issuer", "dns-01")["status"].get("limits", [])]

    mark = faulty.bench.pebble.mark()
    names = [f"limited-{number}" for number in range(10)]
    with faulty.ca.rule(acme("new-order"), problem("rateLimited", 429, TOO_MANY, retry_after="25")) as rule:
        tenant.apply(*(tenant.certificate(name) for name in names))
        eventually(lambda: bool(limits()), "the issuer to tell of the limit", WORK)
        faulty.operator.kill()
        faulty.operator.begin()
        asked = rule.hits
        faulty.stay_alive(10)
        assert rule.hits == asked, "an order that the CA asked to hold back was asked for again"
    assert all(TOO_MANY in told for told in limits())
    tenant.seconds_until_done(*names, timeout=60 + WORK)
    tenant.assert_done(mark, len(names))
    eventually(lambda: not limits(), "the issuer to tell of no limit any more", WORK)


PAGE = Path(__file__).parents[2] / "operator" / "REQUESTS.md"
#: Polls that a CA's "not yet" may add on a busy machine; Pebble names a moment with each.
POLLS = 3


@pytest.mark.parametrize("way", WAYS)
def test_one_certificate_asks_what_the_page_says(way: str, tenant: FaultyTenant, faulty: FaultyBench) -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\d+) \|", PAGE.read_text(), re.MULTILINE)
    expected = {kind: int(times) for kind, times in rows}
    mark = faulty.bench.pebble.mark()
    tenant.apply(tenant.certificate("web", issuer=way))
    tenant.seconds_until_done("web")
    eventually(
        lambda: faulty.bench.pebble.requests(mark).arrived["renewal-info"] > 0, "advice to be asked for", WORK
    )
    seen = faulty.bench.pebble.requests(mark).arrived
    seen.pop("new-nonce", None)
    more = seen["order"] - expected["order"]
    assert seen - Counter(order=max(more, 0)) == Counter(expected)
    assert more <= POLLS
