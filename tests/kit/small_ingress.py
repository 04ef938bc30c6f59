"""A small ingress controller on loopback: real Ingresses, Services and EndpointSlices lead its requests.

There is no kubelet and no pod network beside the bench's API server, so the addresses in EndpointSlices are mapped
to real ones. Everything else is as a controller does it: class, exact host, exact path, Service port, ready endpoint.
"""

from __future__ import annotations

import http.client
import json
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from kubernetes import client, config

from tests.kit.ports import LOOPBACK, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: Seconds between two looks at the cluster; a real controller watches, and takes about as long to act.
EVERY = 0.2
#: Its class; it is the default, too.
CLASS = "small"

_INGRESSES = "/apis/networking.k8s.io/v1/ingresses"
_PATHS = {
    "services": "/api/v1/services",
    "endpointslices": "/apis/discovery.k8s.io/v1/endpointslices",
}
Address = tuple[str, int]


@dataclass
class SmallIngress:
    """A running controller; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        addresses: what an address and port in an EndpointSlice stand for on this machine.
        port: where it listens.
        routes: by host and path, the endpoints that a request may go to now.
        served: host, path and status of every request.
        rounds: how often it has looked at the cluster.
    """

    addresses: Mapping[Address, Address]
    port: int
    routes: dict[tuple[str, str], list[Address]] = field(default_factory=dict)
    served: list[tuple[str, str, int]] = field(default_factory=list)
    rounds: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event, repr=False)
    _server: Any = field(default=None, repr=False)

    @classmethod
    def start(cls, kubeconfig: Path, addresses: Mapping[Address, Address], port: int | None = None) -> Self:
        """Begin to look at the cluster and to answer.

        Args:
            kubeconfig: of a user who may read everything.
            addresses: see the class.
            port: where to listen; any free one where it is left out.
        """
        ingress = cls(addresses, port or free_port())
        api = config.new_client_from_config(str(kubeconfig))  # type: ignore[no-untyped-call]
        server = _Server((LOOPBACK, ingress.port), _Handler)
        server.controller = ingress
        ingress._server = server
        for work in (lambda: ingress._watch(api), server.serve_forever):
            threading.Thread(target=work, name="small-ingress", daemon=True).start()
        return ingress

    def stop(self) -> None:
        """Listen no more."""
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _watch(self, api: client.ApiClient) -> None:
        while not self._stopping.wait(EVERY):
            try:
                seen = {"ingresses": _listed(api, _INGRESSES)}
                # Without an Ingress nothing leads anywhere; the other two are most of what this costs.
                if seen["ingresses"]:
                    seen |= {kind: _listed(api, path) for kind, path in _PATHS.items()}
                self.routes = dict(self._routes(seen)) if seen["ingresses"] else {}
            except Exception:  # noqa: BLE001, S112 - the API server may be away: a controller serves what it knows
                continue
            self.rounds += 1

    def _routes(
        self, seen: dict[str, list[dict[str, Any]]]
    ) -> Iterator[tuple[tuple[str, str], list[Address]]]:
        services = {_key(each): each for each in seen["services"]}
        for ingress in seen["ingresses"]:
            if _class(ingress) not in (CLASS, ""):
                continue
            namespace = ingress["metadata"]["namespace"]
            for rule in ingress["spec"].get("rules", []):
                for path in rule["http"]["paths"]:
                    backend = path["backend"]["service"]
                    service = services.get((namespace, backend["name"]))
                    if service is None or path["pathType"] not in ("Exact", "ImplementationSpecific"):
                        continue
                    ends = self._endpoints(service, backend["port"], seen["endpointslices"])
                    yield (rule["host"], path["path"]), ends

    def _endpoints(
        self, service: dict[str, Any], port: dict[str, Any], slices: list[dict[str, Any]]
    ) -> list[Address]:
        """Ready addresses behind a port of a Service, by its EndpointSlices."""
        named = [
            each["name"]
            for each in service["spec"]["ports"]
            if port in ({"number": each["port"]}, {"name": each["name"]})
        ]
        namespace, name = _key(service)
        mine = [
            each
            for each in slices
            if each["metadata"]["namespace"] == namespace
            and each["metadata"]["labels"].get("kubernetes.io/service-name") == name
        ]
        return [
            self.addresses[address, each["port"]]
            for slice_ in mine
            for each in slice_["ports"] or ()
            if each["name"] in named
            for endpoint in slice_["endpoints"] or ()
            if endpoint["conditions"].get("ready", True)
            for address in endpoint["addresses"]
            if (address, each["port"]) in self.addresses
        ]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    controller: SmallIngress


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """Pass on what a route leads somewhere; 404 otherwise."""
        host = self.headers.get("Host", "").partition(":")[0]
        ends = self.server.controller.routes.get((host, self.path), [])
        status, body = (404, b"no route") if not ends else _pass_on(ends[0], host, self.path)
        self.server.controller.served.append((host, self.path, status))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """`served` has them all."""


def _pass_on(end: Address, host: str, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*end, timeout=5)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except OSError:
        return HTTPStatus.BAD_GATEWAY, b"endpoint does not answer"
    finally:
        connection.close()


def _listed(api: client.ApiClient, path: str) -> list[dict[str, Any]]:
    request = api.param_serialize("GET", path, header_params={"Accept": "application/json"})
    answer = api.call_api(*request, _request_timeout=5)
    found: list[dict[str, Any]] = json.loads(answer.read())["items"]  # type: ignore[no-untyped-call]
    return found


def _key(each: dict[str, Any]) -> tuple[str, str]:
    return each["metadata"]["namespace"], each["metadata"]["name"]


def _class(ingress: dict[str, Any]) -> str:
    annotations = ingress["metadata"].get("annotations") or {}
    named = ingress["spec"].get("ingressClassName") or annotations.get("kubernetes.io/ingress.class")
    return str(named or "")
