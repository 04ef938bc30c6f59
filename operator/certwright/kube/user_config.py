"""Where the API server is, who a user is there, and in which namespace: by a kubeconfig, or in a pod by its account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubernetes import config

from certwright.kube.connection import load_configuration, unusable_file

if TYPE_CHECKING:
    from kubernetes.client import Configuration

#: Where kubectl looks if nothing else is said.
USUAL_FILE = "~/.kube/config"
#: What a pod knows of its own account (Kubernetes, "Accessing the API from within a Pod").
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def load_user_configuration(
    kubeconfig: str | None, context: str | None, *, account: Path = ACCOUNT
) -> tuple[Configuration, str]:
    """The official client's configuration, and the namespace of the context ("default" if it names none).

    In a pod without a kubeconfig it is the pod's own account and namespace, as kubectl has it.

    Args:
        kubeconfig: path, or several as in KUBECONFIG; None is the usual file.
        context: None is the current one.
        account: where a pod's account is mounted.

    Raises:
        NeedsPerson: there is no usable kubeconfig, or no such context; the sentence says what to do.
    """
    if not kubeconfig and context is None and not _is_there(USUAL_FILE) and (account / "token").exists():
        namespace = account / "namespace"
        where = namespace.read_text(encoding="utf-8").strip() if namespace.exists() else ""
        return load_configuration(None), where or "default"
    file = kubeconfig or USUAL_FILE
    configuration = load_configuration(file, context)
    try:
        every, current = config.list_kube_config_contexts(file)  # type: ignore[no-untyped-call]
    except Exception as error:  # the parser raises whatever a wrong shape makes it stumble over
        raise unusable_file(file, error) from error
    return configuration, _namespace(every, current, context)


def _is_there(file: str) -> bool:
    try:
        return Path(file).expanduser().exists()
    except RuntimeError:  # a user without a home
        return False


def _namespace(every: list[Any], current: Any, context: str | None) -> str:
    chosen = next((each for each in every if each.get("name") == context), current) if context else current
    return str((chosen or {}).get("context", {}).get("namespace") or "default")
