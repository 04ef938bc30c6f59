"""What the backup page promises, with the commands that stand in it: a restore costs the CA nothing."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from tests.cluster.conftest import Tenant
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = pytest.mark.cluster

PAGE = Path(__file__).parents[2] / "charts" / "certwright" / "BACKUP.md"
KINDS = "certificates.certwright.dev,issuers.certwright.dev,secrets"


def commands(page: str) -> list[list[str]]:
    """The page's kubectl commands, split as a shell does."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


class Backup:
    """Runs the page's commands for one namespace; the cluster has those of other tests as well."""

    def __init__(self, tenant: Tenant, directory: Path) -> None:
        self.tenant = tenant
        self.directory = directory
        self.commands = commands(PAGE.read_text())

    def take(self) -> None:
        for command in self.commands:
            if ">" in command:
                *words, _, file = command
                asked = [each for each in words[1:] if each != "--all-namespaces"]
                kinds = [each.replace(",clusterissuers.certwright.dev", "") for each in asked]
                (self.directory / file).write_text(self.tenant.kubectl(*kinds))

    def restore(self) -> None:
        for command in self.commands:
            if command[:2] == ["kubectl", "create"]:
                *words, file = command[1:]
                self.tenant.kubectl(*words, str(self.directory / file))


@pytest.fixture
def backup(tenant: Tenant, tmp_path: Path) -> Backup:
    return Backup(tenant, tmp_path)


@pytest.mark.parametrize("stopped", [True, False], ids=["operator stopped", "operator running"])
def test_a_restore_causes_no_order_and_no_account(
    tenant: Tenant, bench: Bench, mortal: Operator, backup: Backup, *, stopped: bool
) -> None:
    tenant.apply(tenant.certificate("web"), tenant.certificate("shop"))
    tenant.await_ready("web", "shop")
    eventually(lambda: not tenant.attempts(), "the attempts to be gone", 30)
    before = {name: tenant.secret(f"{name}-tls") for name in ("web", "shop")}
    account = tenant.secret("ca-account")
    backup.take()
    if stopped:
        mortal.stop()
    tenant.kubectl("delete", KINDS, "--all")
    mark = bench.pebble.mark()
    backup.restore()
    if stopped:
        mortal.begin()
    tenant.await_ready("ca", kind="issuer")
    tenant.await_ready("web", "shop")
    seen = bench.pebble.requests(mark)
    assert (seen.orders, seen.accounts_added) == ((), 0)
    assert {name: tenant.secret(f"{name}-tls") for name in ("web", "shop")} == before
    assert tenant.secret("ca-account") == account
    for name in before:
        serial = tenant.get("certificate", name)["status"]["serialNumber"]
        assert serial == f"{tenant.leaf(f'{name}-tls').serial_number:x}"


def test_the_page_has_both_halves() -> None:
    verbs = [command[1] for command in commands(PAGE.read_text())]
    assert verbs[:4] == ["get", "get", "create", "create"]
