"""Where the API server is and who we are to it: from the pod, or from a kubeconfig file."""

from __future__ import annotations

from kubernetes import client, config

from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason


def load_configuration(kubeconfig: str | None) -> client.Configuration:
    """The official client's configuration.

    Raises:
        NeedsPerson: there is no usable kubeconfig, or this is no pod; the sentence says what to do.
    """
    configuration = client.Configuration()
    try:
        if kubeconfig:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                kubeconfig, client_configuration=configuration
            )
        else:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
    except (config.ConfigException, OSError) as error:
        source = f"{kubeconfig} is no usable kubeconfig" if kubeconfig else "this is not a pod of a cluster"
        advice = "name another file" if kubeconfig else "name a kubeconfig with --kubeconfig"
        message = f"{source} ({error}); {advice}"
        raise NeedsPerson(Reason.API_SERVER_UNAVAILABLE.word, message) from error
    return configuration
