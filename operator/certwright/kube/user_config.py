"""Where the API server is, who a user is there, and in which namespace: from a kubeconfig, as kubectl reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubernetes import config

from certwright.kube.connection import load_configuration, unusable_file

if TYPE_CHECKING:
    from kubernetes.client import Configuration

#: Where kubectl looks if nothing else is said.
USUAL_FILE = "~/.kube/config"


def load_user_configuration(kubeconfig: str | None, context: str | None) -> tuple[Configuration, str]:
    """The official client's configuration, and the namespace of the context ("default" if it names none).

    Args:
        kubeconfig: path, or several as in KUBECONFIG; None is the usual file.
        context: None is the current one.

    Raises:
        NeedsPerson: there is no usable kubeconfig, or no such context; the sentence says what to do.
    """
    file = kubeconfig or USUAL_FILE
    configuration = load_configuration(file, context)
    try:
        every, current = config.list_kube_config_contexts(file)  # type: ignore[no-untyped-call]
    except Exception as error:  # the parser raises whatever a wrong shape makes it stumble over
        raise unusable_file(file, error) from error
    return configuration, _namespace(every, current, context)


def _namespace(every: list[Any], current: Any, context: str | None) -> str:
    chosen = next((each for each in every if each.get("name") == context), current) if context else current
    return str((chosen or {}).get("context", {}).get("namespace") or "default")
