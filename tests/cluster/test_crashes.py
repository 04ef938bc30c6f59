"""An operator that dies at any point goes on where it was: the same key, the same order, nothing left behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

#: Where it dies, and how many orders the CA sees in all: one that nobody wrote down is lost.
POINTS = {
    "after:create-attempt": 1,
    "after:new-order": 2,
    "after:note-order": 1,
    "after:publish": 1,
    "after:answer-challenge": 1,
    "before:finalize": 1,
    "after:finalize": 1,
    "after:download": 1,
    "after:store-secret": 1,
    "after:take-down": 1,
    "after:delete-attempt": 1,
}
#: As a shell reports SIGKILL.
KILLED = 137


def die_at(operator: Operator, point: str) -> None:
    """Start the operator and wait until it has killed itself at `point`."""
    operator.begin({"CERTWRIGHT_KILL_AT": point}, wait=False)
    assert operator.process.wait(60) == KILLED


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_operator_finishes_the_same_order(
    point: str, tenant: Tenant, bench: Bench, mortal: Operator
) -> None:
    mortal.kill()
    mark = bench.pebble.mark()
    name = f"web.{tenant.namespace}.example.test"
    tenant.apply(tenant.certificate("web", name, f"*.{name}"))
    die_at(mortal, point)
    mortal.begin(wait=False)
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone", 30)
    seen = bench.pebble.requests(mark)
    assert len(seen.finalized) == 1
    assert len(seen.orders) == POINTS[point]
    assert tenant.names_in_use() == set(), "TXT records were left behind"
    tenant.assert_pair("web-tls")
    assert (
        tenant.get("certificate", "web")["status"]["serialNumber"]
        == f"{tenant.leaf('web-tls').serial_number:x}"
    )


def test_a_certificate_deleted_while_nobody_looked_leaves_nothing(
    tenant: Tenant, bench: Bench, mortal: Operator
) -> None:
    mortal.kill()
    tenant.apply(tenant.certificate("web"))
    die_at(mortal, "after:publish")
    challenge = f"_acme-challenge.web.{tenant.namespace}.example.test"
    assert len(bench.nameserver.txt(challenge)) == 1
    assert len(tenant.attempts()) == 1
    tenant.kubectl("delete", "certificates.certwright.dev", "web")
    mortal.begin(wait=False)
    eventually(lambda: not tenant.attempts(), "the attempt to be gone", 30)
    assert bench.nameserver.txt(challenge) == set()
    assert not tenant.exists("secret", "web-tls")


def test_names_changed_while_nobody_looked_are_ordered_with_a_new_key(
    tenant: Tenant, bench: Bench, mortal: Operator
) -> None:
    mortal.kill()
    tenant.apply(tenant.certificate("web"))
    die_at(mortal, "before:finalize")
    other = f"other.{tenant.namespace}.example.test"
    tenant.apply(tenant.certificate("web", other))
    mark = bench.pebble.mark()
    mortal.begin(wait=False)
    tenant.await_ready("web")
    eventually(lambda: not tenant.attempts(), "the attempt to be gone", 30)
    assert len(bench.pebble.requests(mark).finalized) == 1
    assert bench.nameserver.txt(f"_acme-challenge.web.{tenant.namespace}.example.test") == set()
    tenant.assert_pair("web-tls")


@pytest.mark.parametrize("point", ["after:create-account-key", "before:new-account", "after:new-account"])
def test_an_account_is_registered_once_with_the_key_that_was_stored_first(
    point: str, tenant: Tenant, bench: Bench, mortal: Operator
) -> None:
    tenant.await_ready("ca", kind="issuer")
    mortal.stop()
    mark = bench.pebble.mark()
    tenant.apply(tenant.issuer("second"))
    die_at(mortal, point)
    key = tenant.secret("second-account")
    mortal.begin(wait=False)
    tenant.await_ready("second", kind="issuer")
    assert tenant.secret("second-account") == key
    assert bench.pebble.requests(mark).accounts_added == 1
