"""Who a user is to the API server: by a kubeconfig, or in a pod without one by the pod's own account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from certwright.failures import NeedsPerson
from certwright.kube.user_config import load_user_configuration
from tests.cli.test_listing import kubeconfig

if TYPE_CHECKING:
    from pathlib import Path

HERE = "https://192.0.2.1:443"


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a pod has; the official client knows the places by heart."""
    account = tmp_path / "account"
    account.mkdir()
    for name, content in (("token", "of-the-pod"), ("ca.crt", "PEM"), ("namespace", "certwright\n")):
        (account / name).write_text(content, encoding="utf-8")
    within = "kubernetes.config.incluster_config"
    monkeypatch.setattr(f"{within}.SERVICE_TOKEN_FILENAME", str(account / "token"))
    monkeypatch.setattr(f"{within}.SERVICE_CERT_FILENAME", str(account / "ca.crt"))
    for variable, value in (("HOST", "192.0.2.1"), ("PORT", "443")):
        monkeypatch.setenv(f"KUBERNETES_SERVICE_{variable}", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    return account


def test_in_a_pod_it_is_the_account_of_the_pod(pod: Path) -> None:
    configuration, namespace = load_user_configuration(None, None, account=pod)
    assert (configuration.host, namespace) == (HERE, "certwright")
    assert configuration.auth_settings()["BearerToken"]["value"] == "bearer of-the-pod"
    (pod / "namespace").unlink()
    assert load_user_configuration(None, None, account=pod)[1] == "default"


def test_a_kubeconfig_comes_first(pod: Path, tmp_path: Path) -> None:
    named = kubeconfig(tmp_path / "config", "https://named.example:6443")
    assert load_user_configuration(str(named), None, account=pod)[0].host == "https://named.example:6443"
    (tmp_path / ".kube").mkdir()
    kubeconfig(tmp_path / ".kube" / "config", "https://usual.example:6443")
    assert load_user_configuration(None, None, account=pod)[0].host == "https://usual.example:6443"


def test_what_is_named_is_never_replaced_by_the_account(pod: Path, tmp_path: Path) -> None:
    with pytest.raises(NeedsPerson, match="does not exist; name another file"):
        load_user_configuration(str(tmp_path / "gone"), None, account=pod)
    with pytest.raises(NeedsPerson, match="does not exist; name another file"):
        load_user_configuration(None, "production", account=pod)


@pytest.mark.usefixtures("pod")
def test_without_either_the_kubeconfig_is_missed(tmp_path: Path) -> None:
    with pytest.raises(NeedsPerson, match=r"~/\.kube/config does not exist"):
        load_user_configuration(None, None, account=tmp_path / "no pod")
