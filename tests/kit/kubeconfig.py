"""Kubeconfig files: how a program is told where the API server is and who it is there."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.kit.authority import KeyPair


def by_certificate(pair: KeyPair) -> dict[str, str]:
    """Who I am, by a client certificate."""
    return {
        "client-certificate-data": _base64(pair.certificate),
        "client-key-data": _base64(pair.key),
    }


def by_token(token: str) -> dict[str, str]:
    """Who I am, by a ServiceAccount's token."""
    return {"token": token}


def write_kubeconfig(file: Path, *, url: str, ca_file: Path, credentials: Mapping[str, str]) -> None:
    """Write one cluster, one user and the context of both; the file needs no other file beside it.

    It is JSON, which every reader of kubeconfigs takes as the YAML that it is.
    """
    cluster = {"server": url, "certificate-authority-data": _base64(ca_file)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "bench", "cluster": cluster}],
        "users": [{"name": "me", "user": dict(credentials)}],
        "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "me"}}],
        "current-context": "bench",
    }
    file.touch(mode=0o600)
    file.write_text(json.dumps(content, indent=2))


def _base64(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()
