"""Electors against a real API server, with their real times and no more rights than the Role gives."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from certwright.engine.elector import LEASE, RENEW_DEADLINE, RETRY, Elector
from certwright.failures import NeedsPerson, TryLater
from certwright.kube.api import KubeApi
from certwright.kube.connection import load_configuration
from certwright.kube.leases import LEASE_TIMEOUT, KubeLeases
from certwright.resources.names import FIELD_MANAGER, ApiNames
from tests.kit.control_plane import ControlPlane
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from certwright.engine.lease import LeaseRecord

pytestmark = pytest.mark.cluster

#: What the operator's Role has for its Lease. A name cannot be asked for in `create` (Kubernetes, "Using RBAC").
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: election}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [create]}
- {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [NAMES], verbs: [get, update]}
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane.start(tmp_path_factory.mktemp("plane"), controller_manager=False) as running:
        account = ("serviceaccount", "operator")
        running.kubectl("create", *account)
        running.kubectl("apply", "-f", "-", input=ROLE.replace("NAMES", "killed, left, cut-off, hung, again"))
        running.kubectl(
            "create", "rolebinding", "election", "--role=election", "--serviceaccount=default:operator"
        )
        yield running


@pytest.fixture(scope="module")
def kubeconfig(plane: ControlPlane) -> Path:
    return plane.service_account_kubeconfig("default", "operator")


class Lifeline:
    """The way to the Lease. A dead process is one whose requests have ended."""

    def __init__(self, leases: KubeLeases) -> None:
        self._leases = leases
        self.dead = False

    def read(self) -> LeaseRecord | None:
        self._must_live()
        return self._leases.read()

    def write(self, record: LeaseRecord) -> LeaseRecord | None:
        self._must_live()
        return self._leases.write(record)

    def _must_live(self) -> None:
        if self.dead:
            raise TryLater("APIServerUnavailable", "this process is dead")


class Replica:
    """One process of the operator, as far as the Lease is concerned."""

    def __init__(self, kubeconfig: Path, lease: str, identity: str, **more: Any) -> None:
        self.told: list[tuple[str, int]] = []
        self.process = f"{random.getrandbits(64):016x}"
        api = KubeApi(
            load_configuration(str(kubeconfig)),
            pool_size=1,
            field_manager=FIELD_MANAGER,
            timeout=LEASE_TIMEOUT,
        )
        self._lifeline = Lifeline(KubeLeases(api, ApiNames(), "default", lease))
        self.elector = Elector(
            self._lifeline,
            identity=identity,
            process=self.process,
            seconds=time.monotonic,
            clock=lambda: datetime.now(UTC),
            dice=random.random,
            on_lead=lambda term: self.told.append(("lead", term)),
            on_loss=lambda term: self.told.append(("loss", term)),
            **more,
        )
        self.elector.start()

    def kill(self) -> None:
        """Try no more and give nothing back."""
        self._lifeline.dead = True

    def wake(self) -> None:
        """Go on as if nothing had happened."""
        self._lifeline.dead = False


@pytest.fixture
def start(kubeconfig: Path) -> Iterator[Callable[..., Replica]]:
    replicas: list[Replica] = []

    def start(lease: str, identity: str, **more: Any) -> Replica:
        replicas.append(Replica(kubeconfig, lease, identity, **more))
        return replicas[-1]

    yield start
    for replica in replicas:
        assert replica.elector.stop(15)


def lease(plane: ControlPlane, name: str) -> dict[str, Any]:
    body: dict[str, Any] = plane.kubectl_json("get", "lease", name)
    return body


def leading_pair(start: Callable[..., Replica], name: str) -> tuple[Replica, Replica]:
    leader = start(name, "pod-a")
    eventually(leader.elector.valid, "the first to lead")
    standby = start(name, "pod-b")
    eventually(lambda: standby.elector.holder == "pod-a", "the second to see it")
    return leader, standby


def takeover(former: Replica, successor: Replica, began: float) -> float:
    """Seconds until the successor leads; never do both."""
    eventually(successor.elector.valid, "the successor to lead", 30)
    assert not former.elector.valid()
    return time.monotonic() - began


def test_a_dead_leader_is_followed_within_twelve_seconds(
    plane: ControlPlane, start: Callable[..., Replica]
) -> None:
    leader, standby = leading_pair(start, "killed")
    spec = lease(plane, "killed")["spec"]
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == (
        "pod-a",
        10,
        0,
    )
    leader.kill()
    seconds = takeover(leader, standby, time.monotonic())
    print(f"takeover after a crash: {seconds:.2f} s")
    assert LEASE - 2 * RETRY < seconds < 12
    body = lease(plane, "killed")
    assert body["spec"]["leaseTransitions"] == 1
    assert body["metadata"]["annotations"]["certwright.dev/process"] == standby.process
    leader.wake()
    eventually(lambda: leader.elector.holder == "pod-b", "the former leader to see it")
    assert not leader.elector.valid()
    assert leader.told == [("lead", 1), ("loss", 1)]


def test_a_leader_that_leaves_is_followed_within_three_seconds(
    plane: ControlPlane, start: Callable[..., Replica]
) -> None:
    leader, standby = leading_pair(start, "left")
    began = time.monotonic()
    assert leader.elector.stop()
    seconds = takeover(leader, standby, began)
    print(f"takeover after SIGTERM: {seconds:.2f} s")
    assert seconds < 3
    assert standby.elector.stop()
    spec = lease(plane, "left")["spec"]
    assert (spec.get("holderIdentity", ""), spec["leaseDurationSeconds"]) == ("", 1)


def test_a_pod_started_again_leads_at_once(start: Callable[..., Replica]) -> None:
    leader = start("again", "pod-a")
    eventually(leader.elector.valid, "the first to lead")
    leader.kill()
    began = time.monotonic()
    again = start("again", "pod-a", restarts=True)
    eventually(again.elector.valid, "the same pod to lead again")
    print(f"takeover by the same pod: {time.monotonic() - began:.2f} s")
    assert time.monotonic() - began < 2
    leader.wake()
    eventually(lambda: ("loss", 1) in leader.told, "the former process to step down", 5)
    assert not leader.elector.valid()


def test_others_leases_are_out_of_reach_and_the_missing_verb_is_told(start: Callable[..., Replica]) -> None:
    stranger = start("somebody-elses", "pod-a")
    trouble = eventually(lambda: stranger.elector.trouble, "a trouble")
    assert 'cannot get resource "leases"' in trouble
    assert not stranger.elector.valid()


def test_a_leader_whose_rights_are_taken_away_steps_down_and_comes_back(
    plane: ControlPlane, start: Callable[..., Replica]
) -> None:
    leader = start("again", "pod-c", restarts=True)
    eventually(leader.elector.valid, "it to lead", 15)
    rules = {
        "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get"]}]
    }
    plane.kubectl("patch", "role", "election", "--type=merge", f"--patch={json.dumps(rules)}")
    eventually(lambda: ("loss", 1) in leader.told, "it to step down", RENEW_DEADLINE + 5)
    assert 'cannot update resource "leases"' in leader.elector.trouble
    plane.kubectl("apply", "-f", "-", input=ROLE.replace("NAMES", "killed, left, cut-off, hung, again"))
    eventually(lambda: leader.elector.term == 2, "it to lead again", 10)
    assert not leader.elector.trouble


def hang(plane: ControlPlane) -> Callable[[], None]:
    pid = plane.process("kube-apiserver").pid
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


def crash(plane: ControlPlane) -> Callable[[], None]:
    plane.stop_api_server()
    return plane.start_api_server


@pytest.mark.parametrize(("name", "harm"), [("hung", hang), ("cut-off", crash)], ids=["hung", "gone"])
def test_without_an_api_server_nobody_leads_and_with_it_again_one_does(
    plane: ControlPlane,
    start: Callable[..., Replica],
    name: str,
    harm: Callable[[ControlPlane], Callable[[], None]],
) -> None:
    leader, standby = leading_pair(start, name)
    began = time.monotonic()
    heal = harm(plane)
    try:
        eventually(lambda: not leader.elector.valid(), "the leader to stop", RENEW_DEADLINE + 1)
        assert time.monotonic() - began > RENEW_DEADLINE - RETRY - 1
        eventually(lambda: leader.told == [("lead", 1), ("loss", 1)], "the loss to be told", 10)
        assert leader.elector.trouble
        assert not standby.elector.valid()
    finally:
        heal()
    healed = time.monotonic()
    eventually(lambda: leader.elector.valid() or standby.elector.valid(), "one to lead again", 15)
    print(f"API server {name}: led again after {time.monotonic() - healed:.2f} s")
    assert not (leader.elector.valid() and standby.elector.valid())


def test_the_rights_that_are_granted_are_enough_and_needed(kubeconfig: Path) -> None:
    """Reading all leases, or deleting ours, is not ours to do."""
    api = KubeApi(load_configuration(str(kubeconfig)), pool_size=1, field_manager=FIELD_MANAGER)
    home = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    with pytest.raises(NeedsPerson, match="cannot list"):
        list(api.pages(home))
    with pytest.raises(NeedsPerson, match="cannot delete"):
        api.delete(f"{home}/killed", uid="uid")
