"""A renewal that somebody asks for by annotation, against a real API server and a real CA."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

RENEW, NOTE = "certwright.dev/renew", "certwright.dev/last-handled-renew"
#: As a shell reports SIGKILL.
KILLED = 137
#: What must not happen is waited for this long: far longer than a turn takes.
QUIET = 5


def ask(tenant: Tenant, value: str, annotation: str = RENEW) -> None:
    place = ("annotate", "certificates.certwright.dev", "web", "--overwrite")
    tenant.kubectl(*place, f"{annotation}={value}")


def await_answer(tenant: Tenant, value: str) -> None:
    def answered() -> bool:
        status = tenant.get("certificate", "web")["status"]
        return status.get("lastHandledRenew") == value and "attempt" not in status

    eventually(answered, f"the renewal {value}", 60)


def serial(tenant: Tenant) -> int:
    return tenant.leaf("web-tls").serial_number


def test_each_new_value_is_one_order_and_the_same_value_none(
    tenant: Tenant, bench: Bench, mortal: Operator
) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    first, mark, since = serial(tenant), bench.pebble.mark(), tenant.now()
    ask(tenant, "one")
    await_answer(tenant, "one")
    second = serial(tenant)
    assert second != first
    tenant.assert_pair("web-tls")
    assert tenant.get("secret", "web-tls")["metadata"]["annotations"][NOTE] == "one"
    asked = f", as annotation {RENEW} asked"
    eventually(lambda: len(tenant.events("web", "Issued")) == 2, "the second event")
    assert sorted(each["note"].endswith(asked) for each in tenant.events("web", "Issued")) == [False, True]
    ready = {
        condition["status"]
        for version in tenant.history("web", since)
        for condition in version["status"]["conditions"]
        if condition["type"] == "Ready"
    }
    assert ready == {"True"}

    ask(tenant, "one")
    mortal.kill()
    mortal.begin()
    eventually(lambda: "renewalInfo" in tenant.get("certificate", "web")["status"], "the CA's advice", 30)
    ask(tenant, "something", "example.org/other")
    rested = tenant.now()
    time.sleep(QUIET)
    assert len(bench.pebble.requests(mark).orders) == 1
    assert serial(tenant) == second
    assert tenant.history("web", rested) == [], "an unrelated annotation costs no write"

    ask(tenant, "two")
    await_answer(tenant, "two")
    assert len(bench.pebble.requests(mark).orders) == 2
    assert tenant.get("certificate", "web")["status"]["revision"] == 3


@pytest.mark.parametrize("point", ["after:finalize", "after:store-secret"])
def test_a_crash_in_a_renewal_that_was_asked_for_costs_no_other(
    tenant: Tenant, bench: Bench, mortal: Operator, point: str
) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone", 30)
    mark = bench.pebble.mark()
    mortal.kill()
    ask(tenant, "one")
    mortal.begin({"CERTWRIGHT_KILL_AT": point}, wait=False)
    assert mortal.process.wait(60) == KILLED
    mortal.begin()
    await_answer(tenant, "one")
    time.sleep(QUIET)
    assert len(bench.pebble.requests(mark).orders) == 1
    assert tenant.get("certificate", "web")["status"]["revision"] == 2
    tenant.assert_pair("web-tls")


def test_a_value_while_suspended_is_answered_once_resumed(tenant: Tenant, bench: Bench) -> None:
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    tenant.patch("certificate", "web", {"spec": {"suspend": True}})
    tenant.await_condition("web", "Suspended", lambda found: found.get("status") == "True")
    mark = bench.pebble.mark()
    ask(tenant, "one")
    time.sleep(QUIET)
    assert bench.pebble.requests(mark).orders == ()
    tenant.patch("certificate", "web", {"spec": {"suspend": None}})
    await_answer(tenant, "one")
    assert len(bench.pebble.requests(mark).orders) == 1
