"""Where the API server is and who we are to it: from the pod, or from a kubeconfig file."""

from __future__ import annotations

import os
import re
from pathlib import Path

import yaml
from kubernetes import client, config

from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason

#: Where in the file something is missing, which the parser tells by quoting the entry, credentials included.
_PLACE = re.compile(r" in [^ ]*/.*", re.DOTALL)


def load_configuration(kubeconfig: str | None, context: str | None = None) -> client.Configuration:
    """The official client's configuration; `context` is one of the kubeconfig, or None for its current one.

    Raises:
        NeedsPerson: there is no usable kubeconfig, or this is no pod; the sentence says what to do.
    """
    configuration = client.Configuration()
    # The client would take the environment's proxy, which is meant for the way out of the cluster. A kubeconfig that
    # leads through one says so itself (proxy-url), and that is set below.
    configuration.proxy, configuration.no_proxy = None, None
    if kubeconfig and (gone := _missing(kubeconfig)):
        raise _unusable(f"{gone} does not exist; name another file")
    try:
        if kubeconfig:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                kubeconfig, context=context, client_configuration=configuration
            )
        else:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=configuration
            )
    except Exception as error:  # the parser raises whatever a wrong shape makes it stumble over
        if kubeconfig:
            raise unusable_file(kubeconfig, error) from error
        advice = "name a kubeconfig with --kubeconfig"
        raise _unusable(f"this is not a pod of a cluster ({_why(error)}); {advice}") from error
    return configuration


def unusable_file(kubeconfig: str, error: Exception) -> NeedsPerson:
    """What is told of a kubeconfig at which the parser stumbled."""
    return _unusable(f"{kubeconfig} is no usable kubeconfig ({_why(error)}); name another file")


def _missing(kubeconfig: str) -> str:
    """What was named, if none of its files exists; several may be named, as in KUBECONFIG."""
    paths = [Path(each).expanduser() for each in kubeconfig.split(os.pathsep) if each]
    return "" if any(path.exists() for path in paths) else kubeconfig


def _why(error: Exception) -> str:
    """The fault in a few words. A parser's own text could quote the file, and that holds credentials."""
    if isinstance(error, config.ConfigException | OSError):
        return _PLACE.sub("", str(error))
    if isinstance(error, yaml.YAMLError | UnicodeDecodeError):
        mark = getattr(error, "problem_mark", None)
        return f"it is no YAML, see line {mark.line + 1}" if mark else "it is no YAML"
    return "it does not have the shape of a kubeconfig"


def _unusable(message: str) -> NeedsPerson:
    return NeedsPerson(Reason.API_SERVER_UNAVAILABLE.word, message)
