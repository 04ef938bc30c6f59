"""The control plane as the bench runs it: it is a real cluster, and its audit log counts what it is asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
import requests

from tests.kit.control_plane import ControlPlane, KubectlFailed
from tests.kit.waiting import eventually
from tests.kit_tests.test_processes import is_alive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.cluster

READER = """
{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reader"},
 "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}]}
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with ControlPlane.start(tmp_path_factory.mktemp("cluster")) as running:
        yield running


def config_map(name: str, owner_uid: str = "") -> str:
    owner = f"""  ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: owner, uid: "{owner_uid}"}}]\n"""
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n" + (owner if owner_uid else "")


def test_what_is_applied_can_be_read_back(cluster: ControlPlane) -> None:
    cluster.kubectl("apply", "-f", "-", input=config_map("greeting"))
    assert cluster.kubectl_json("get", "configmap", "greeting")["metadata"]["name"] == "greeting"
    with pytest.raises(KubectlFailed, match="not found"):
        cluster.kubectl("get", "configmap", "no-such-thing")
    assert "NotFound" in cluster.kubectl("get", "configmap", "no-such-thing", check=False)


def test_the_audit_log_counts_the_requests_of_one_user_since_a_mark(cluster: ControlPlane) -> None:
    alice = cluster.kubeconfig("alice", ("system:masters",))
    cluster.kubectl("get", "configmaps", as_user=alice)
    mark = cluster.audit().mark()

    cluster.kubectl("create", "configmap", "counted", as_user=alice)
    cluster.kubectl("get", "configmap", "counted")
    cluster.kubectl(
        "get", "--raw", "/apis/apps/v1/namespaces/default/deployments/x/status", as_user=alice, check=False
    )

    seen = cluster.audit().requests(user="alice", since=mark)
    objects = [(one.verb, one.resource, one.subresource, one.name, one.code) for one in seen if one.resource]
    assert objects == [
        ("create", "configmaps", "", "counted", 201),
        ("get", "deployments", "status", "x", 404),
    ]
    assert {one.namespace for one in seen if one.resource} == {"default"}
    everybody = {one.user for one in cluster.audit().requests(since=mark)}
    assert everybody == {"alice", "admin"}


def test_a_watch_counts_once_when_it_begins(cluster: ControlPlane) -> None:
    user = cluster.kubeconfig("watcher", ("system:masters",))
    mark = cluster.audit().mark()
    for _ in range(2):
        url = "/api/v1/configmaps?watch=1&timeoutSeconds=1"
        cluster.kubectl("get", "--raw", url, as_user=user)
        watches = [one for one in cluster.audit().requests(user="watcher", since=mark) if one.verb == "watch"]
    assert [one.code for one in watches] == [200, 200]


def test_users_may_do_what_rbac_lets_them(cluster: ControlPlane) -> None:
    bob = cluster.kubeconfig("bob", ("readers",))
    assert bob == cluster.kubeconfig("bob", ("readers",))
    assert "Forbidden" in cluster.kubectl("get", "configmaps", as_user=bob, check=False)
    cluster.kubectl("apply", "-f", "-", input=READER)
    cluster.kubectl("create", "clusterrolebinding", "readers", "--clusterrole=reader", "--group=readers")
    eventually(lambda: cluster.kubectl("get", "configmaps", as_user=bob), "RBAC", tolerate=(KubectlFailed,))
    assert "forbidden" in cluster.kubectl("create", "configmap", "mine", as_user=bob, check=False)


def test_a_service_account_has_its_own_kubeconfig(cluster: ControlPlane) -> None:
    cluster.kubectl("create", "serviceaccount", "operator")
    config = cluster.service_account_kubeconfig("default", "operator")
    me = cluster.kubectl_json("auth", "whoami", as_user=config)
    assert me["status"]["userInfo"]["username"] == "system:serviceaccount:default:operator"


def test_the_controller_manager_removes_what_was_owned_and_what_was_in_a_namespace(
    cluster: ControlPlane,
) -> None:
    owner = cluster.kubectl_json("create", "configmap", "owner")
    cluster.kubectl("apply", "-f", "-", input=config_map("owned", owner["metadata"]["uid"]))
    cluster.kubectl("delete", "configmap", "owner")
    cluster.kubectl("wait", "--for=delete", "configmap/owned", "--timeout=60s")

    cluster.kubectl("create", "namespace", "short-lived")
    cluster.kubectl("create", "secret", "generic", "inside", "--namespace=short-lived")
    cluster.kubectl("delete", "namespace", "short-lived", "--timeout=60s")


def test_the_api_server_comes_back_at_the_same_address_with_everything(cluster: ControlPlane) -> None:
    cluster.kubectl("create", "configmap", "survivor")
    mark = cluster.audit().mark()
    cluster.stop_api_server()
    with pytest.raises(KubectlFailed, match="refused"):
        cluster.kubectl("get", "configmaps")
    assert cluster.audit().requests(since=mark) == []

    cluster.start_api_server()

    cluster.kubectl("get", "configmap", "survivor")
    assert "survivor" in {one.name for one in cluster.audit().requests(since=mark)}
    cluster.process("kube-controller-manager").must_run()


def test_a_second_control_plane_runs_beside_the_first(cluster: ControlPlane, tmp_path: Path) -> None:
    began = time.monotonic()
    with ControlPlane.start(tmp_path, controller_manager=False) as other:
        assert time.monotonic() - began < 30
        assert other.url != cluster.url
        other.kubectl("create", "configmap", "elsewhere")
    with pytest.raises(requests.ConnectionError):
        requests.get(other.url, verify=str(other.ca_file), timeout=5)
    assert "NotFound" in cluster.kubectl("get", "configmap", "elsewhere", check=False)


def test_everything_is_gone_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib; from tests.kit.control_plane import ControlPlane\n"
        "cluster = ControlPlane.start(pathlib.Path(sys.argv[1]))\n"
        "names = ('etcd', 'kube-apiserver', 'kube-controller-manager')\n"
        "print(*(cluster.process(name).pid for name in names), flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 3
        assert all(map(is_alive, pids))
        os.kill(parent.pid, signal.SIGKILL)
    eventually(lambda: not any(map(is_alive, pids)), "all three to be gone", timeout=30)
