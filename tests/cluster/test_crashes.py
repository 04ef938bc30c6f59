"""What somebody changes between the death of an operator and its next start; `test_kill_matrix` has the deaths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

#: As a shell reports SIGKILL.
KILLED = 137


def die_at(operator: Operator, point: str) -> None:
    """Start the operator and wait until it has killed itself at `point`."""
    operator.begin({"CERTWRIGHT_KILL_AT": point}, wait=False)
    assert operator.process.wait(60) == KILLED


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
