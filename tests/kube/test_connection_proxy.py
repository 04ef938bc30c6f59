"""The way to the API server has nothing to do with the proxy for the way out of the cluster."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from certwright.kube.connection import load_configuration

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("proxy", [None, "http://proxy.example.com:3128"])
def test_only_a_kubeconfig_leads_through_a_proxy(
    proxy: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://other.example.com:1")
    monkeypatch.setenv("NO_PROXY", "*")
    cluster = {"server": "https://api.example.com"} | ({"proxy-url": proxy} if proxy else {})
    content = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    file = tmp_path / "kubeconfig"
    file.write_text(json.dumps(content))
    configuration = load_configuration(str(file))
    assert (configuration.host, configuration.proxy) == ("https://api.example.com", proxy)
    assert not configuration.no_proxy
