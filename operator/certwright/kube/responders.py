"""The solver pods, as the EndpointSlices of their Service tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from certwright.resources.responder import Responder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from certwright.kube.api import KubeApi
    from certwright.resources.responder import Family

#: Label that leads from an EndpointSlice to its Service (Kubernetes, "EndpointSlices").
SERVICE_LABEL = "kubernetes.io/service-name"
#: Names of the Service's ports.
HTTP, HEALTH = "http", "health"
_FAMILIES: Final[dict[str, Family]] = {"IPv4": "IPv4", "IPv6": "IPv6"}


class KubeResponders:
    """Fits `solver.responders.Responders`: one LIST each time."""

    def __init__(self, api: KubeApi, namespace: str, service: str) -> None:
        self._api = api
        self._path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self._selector = f"{SERVICE_LABEL}={service}"

    def read(self) -> tuple[Responder, ...]:
        """The ready ones, in order of their addresses."""
        slices = [each for page in self._api.pages(self._path, selector=self._selector) for each in page]
        return responders_of(slices)


def responders_of(slices: Iterable[Mapping[str, Any]]) -> tuple[Responder, ...]:
    """The ready addresses; one that moves from slice to slice is in both for a moment, and counts once."""
    return tuple(sorted({each for one in slices for each in _responders(one)}))


def _responders(one: Mapping[str, Any]) -> Iterator[Responder]:
    """Those of one slice; a slice without both ports is another Service's idea of the label."""
    family = _FAMILIES.get(one.get("addressType") or "")
    ports = {each.get("name"): each.get("port") for each in one.get("ports") or ()}
    port, health_port = ports.get(HTTP), ports.get(HEALTH)
    if family is None or not port or not health_port:
        return
    for endpoint in one.get("endpoints") or ():
        # "A nil value should be interpreted as 'true'"; no address but the first has a meaning (discovery.k8s.io/v1).
        ready = (endpoint.get("conditions") or {}).get("ready")
        if ready is not False and endpoint.get("addresses"):
            yield Responder(endpoint["addresses"][0], family, port, health_port)
