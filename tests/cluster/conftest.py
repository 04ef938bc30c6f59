"""One bench for all cluster tests, and a namespace of its own for each."""

from __future__ import annotations

import base64
import itertools
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.conftest import OUTCOME
from tests.kit import operator_process
from tests.kit.bench import Bench
from tests.kit.bind9 import find_named, start_bind9
from tests.kit.control_plane import KubectlFailed
from tests.kit.front import Front
from tests.kit.nameserver import start_nameserver
from tests.kit.operator_process import Operator
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import free_port
from tests.kit.reader import NotThere
from tests.kit.small_ingress import CLASS
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.kit.control_plane import ControlPlane
    from tests.kit.nameserver import NameServer

ZONES = ("example.test", "other.test")
#: Of good nonces that Pebble refuses all the same: normal traffic for an ACME client (RFC 8555 §6.5).
NONCE_REJECT_PERCENT = 20
#: How often renewal advice is asked for; days at home.
ASK_EVERY = "2s"

#: Each namespace's names have an address of their own: the TXT record of one name makes the name above it exist, and
#: with it the zone's wildcard ends for all other names below that one (RFC 4592 §2.2.2).
_ADDRESSES = tuple(f"*.t{number}.{ZONES[0]}. IN A 127.0.0.1" for number in range(1, 500))

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    directory = tmp_path_factory.mktemp("bench")
    settings = PebbleSettings(nonce_reject_percent=NONCE_REJECT_PERCENT, http_port=free_port())
    with Bench.start(directory, _nameserver(directory), pebble=settings) as bench:
        operator_process.install(bench.control_plane)
        yield bench


def _nameserver(directory: Path) -> NameServer:
    """BIND where it is installed; in CI it must be."""
    if find_named() is None and not os.environ.get("CI"):
        return start_nameserver(ZONES)
    return start_bind9(directory / "bind9", ZONES, _ADDRESSES)


@pytest.fixture(scope="session")
def control_plane(bench: Bench) -> ControlPlane:
    return bench.control_plane


@pytest.fixture(scope="session")
def front(bench: Bench) -> Iterator[Front]:
    """The way of HTTP-01 requests, up to a running solver pod's program."""
    directory = bench.directory / "responder"
    with Front.start(directory, bench.control_plane, bench.pebble.settings.http_port) as front:
        yield front


@pytest.fixture(scope="session")
def operator(bench: Bench, front: Front) -> Iterator[Operator]:
    """The operator that tests share; a test that harms one starts its own."""
    flags = (
        "--log-level=debug",
        "--cert-manager-metrics",
        f"--renewal-info-interval={ASK_EVERY}",
        *front.flags,
    )
    operator = start_operator(bench, "shared", *flags)
    yield operator
    assert operator.stop() == 0, "the operator did not stop cleanly"


@pytest.fixture
def mortal(operator: Operator) -> Iterator[Operator]:
    """The shared operator for tests that stop, kill or restart it; it runs again afterwards."""
    yield operator
    if not operator.process.running:
        operator.begin()


def start_operator(
    bench: Bench, name: str, *flags: str, env: dict[str, str] | None = None, wait: bool = True
) -> Operator:
    """One more operator on the bench; the caller ends it."""
    operator = Operator(bench.directory / name, bench.control_plane, bench.nameserver, flags)
    operator.begin(env, wait=wait)
    return operator


class Tenant:
    """A namespace with an Issuer, as a user would set it up."""

    def __init__(self, bench: Bench, namespace: str) -> None:
        self.bench = bench
        self.namespace = namespace
        self.plane = bench.control_plane
        self.plane.kubectl("create", "namespace", namespace)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects as users do."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.plane.kubectl("apply", "--filename", "-", input=json.dumps(items))

    def dns_key(self, name: str = "dns-key", **changed: Any) -> dict[str, Any]:
        """The Secret with the TSIG key, labelled for the Issuer."""
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": {"certwright.dev/secret": "credential"},
            },
            "stringData": {"secret": self.bench.nameserver.tsig_secret},
        } | changed

    def issuer(self, name: str = "ca", kind: str = "Issuer", **acme: Any) -> dict[str, Any]:
        """An Issuer for the bench's CA and name server, with changed fields of spec.acme."""
        metadata = {"name": name} | ({"namespace": self.namespace} if kind == "Issuer" else {})
        spec = {
            "server": self.bench.pebble.directory_url,
            "caBundle": base64.b64encode(self.bench.pebble.ca_pem.encode()).decode(),
            "termsOfServiceAgreed": True,
            "email": "certificates@example.test",
            "privateKeySecretRef": {"name": f"{name}-account"},
            "solvers": [{"name": "dns", "dns01": {"rfc2136": self.rfc2136()}}],
        }
        return {
            "apiVersion": "certwright.dev/v1",
            "kind": kind,
            "metadata": metadata,
            "spec": {"acme": spec | acme},
        }

    def http01(self, **block: Any) -> dict[str, Any]:
        """A solver for the bench's ingress controller."""
        return {"name": "web", "http01": {"ingress": {"ingressClassName": CLASS}} | block}

    def rfc2136(self, **changed: Any) -> dict[str, Any]:
        """The solver's block for the bench's name server."""
        server = self.bench.nameserver
        return {
            "nameserver": f"{server.host}:{server.port}",
            "tsigKeyName": server.tsig_name,
            "tsigAlgorithm": server.tsig_algorithm,
            "tsigSecretSecretRef": {"name": "dns-key", "key": "secret"},
        } | changed

    def certificate(self, name: str, *names: str, issuer: str = "ca", **spec: Any) -> dict[str, Any]:
        """A Certificate with the Secret NAME-tls."""
        usual = {
            "secretName": f"{name}-tls",
            "dnsNames": list(names) or [f"{name}.{self.namespace}.example.test"],
            "issuerRef": {"name": issuer},
        }
        return {
            "apiVersion": "certwright.dev/v1",
            "kind": "Certificate",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": usual | spec,
        }

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """One object of this namespace, by the singular name of its kind; certificates and issuers are ours."""
        return self.plane.read.one(_plural(kind), name, self.namespace)

    def all(self, kind: str, *, selector: str = "") -> list[dict[str, Any]]:
        """All objects of this namespace, by the singular name of their kind."""
        return self.plane.read.all(_plural(kind), self.namespace, selector=selector)

    def kubectl(self, *args: str) -> str:
        """Run kubectl in this namespace."""
        return self.plane.kubectl(*args, "--namespace", self.namespace)

    def patch(self, kind: str, name: str, patch: dict[str, Any]) -> None:
        """A JSON merge patch of one object."""
        full = f"{kind}.certwright.dev" if kind in ("certificate", "issuer", "clusterissuer") else kind
        self.kubectl("patch", full, name, "--type=merge", f"--patch={json.dumps(patch)}")

    def patch_secret(self, name: str, **data: bytes) -> None:
        """Put other data under some keys of a Secret; `_` in a key stands for `.`."""
        encoded = {key.replace("_", "."): base64.b64encode(value).decode() for key, value in data.items()}
        self.patch("secret", name, {"data": encoded})

    def now(self) -> str:
        """The resourceVersion of this moment, for `history`."""
        path = f"/apis/certwright.dev/v1/namespaces/{self.namespace}/certificates"
        return str(self.plane.read.path(path)["metadata"]["resourceVersion"])

    def history(self, name: str, since: str) -> list[dict[str, Any]]:
        """Every version of a Certificate after the moment `since`: nothing passes unseen between two looks."""
        path = f"/apis/certwright.dev/v1/namespaces/{self.namespace}/certificates"
        query = f"watch=true&timeoutSeconds=1&resourceVersion={since}&fieldSelector=metadata.name%3D{name}"
        lines = self.plane.kubectl("get", "--raw", f"{path}?{query}").splitlines()
        return [event["object"] for event in map(json.loads, lines) if event["type"] != "BOOKMARK"]

    def events(self, name: str, reason: str) -> list[dict[str, Any]]:
        """The events beside an object that have this reason."""
        return [
            event
            for event in self.all("event")
            if event["regarding"]["name"] == name and event["reason"] == reason
        ]

    def leaf(self, secret: str) -> x509.Certificate:
        """The certificate of a target Secret."""
        return x509.load_pem_x509_certificate(self.secret(secret)["tls.crt"])

    def assert_pair(self, secret: str) -> None:
        """Key and certificate of a target Secret belong together."""
        data = self.secret(secret)
        leaf = x509.load_pem_x509_certificate(data["tls.crt"])
        assert load_pem_private_key(data["tls.key"], None).public_key() == leaf.public_key()

    def exists(self, kind: str, name: str) -> bool:
        """Whether it is there."""
        try:
            return bool(self.get(kind, name))
        except NotThere:
            return False

    def condition(self, kind: str, name: str, condition: str) -> dict[str, Any]:
        """A condition of an object, {} if it has none of this type."""
        status = self.get(kind, name).get("status", {})
        return next((each for each in status.get("conditions", []) if each["type"] == condition), {})

    def await_ready(self, *names: str, kind: str = "certificate", timeout: float = 120) -> None:
        """Wait as users do: kubectl wait; what is not ready in time tells its status."""
        place = ("--namespace", self.namespace, f"{kind}.certwright.dev", *names)
        try:
            self.plane.kubectl("wait", "--for=condition=Ready", f"--timeout={timeout:.0f}s", *place)
        except KubectlFailed as error:
            pytest.fail(f"{error}\n{self._unready(*place)}")

    def _unready(self, *place: str) -> str:
        """The statuses of those objects that are not Ready: a log of CI has no room for all."""
        found = self.plane.kubectl_json("get", *place)
        told = {
            each["metadata"]["name"]: each.get("status", {})
            for each in found.get("items", [found])
            if not any(
                condition["type"] == "Ready" and condition["status"] == "True"
                for condition in each.get("status", {}).get("conditions", [])
            )
        }
        return json.dumps(told, indent=1)

    def await_condition(
        self,
        name: str,
        condition: str,
        matches: Callable[[dict[str, Any]], bool],
        *,
        kind: str = "certificate",
        timeout: float = 60,
    ) -> dict[str, Any]:
        """Wait until a condition of an object is as wanted; returns it."""
        eventually(
            lambda: matches(self.condition(kind, name, condition)),
            f"{condition} of {name}",
            timeout,
            explain=lambda: json.dumps(self.get(kind, name), indent=1),
        )
        return self.condition(kind, name, condition)

    def secret(self, name: str) -> dict[str, bytes]:
        """A Secret's data, decoded."""
        return {key: base64.b64decode(text) for key, text in self.get("secret", name)["data"].items()}

    def names_in_use(self) -> set[str]:
        """TXT values still at the challenge names of this namespace's usual Certificates."""
        left: set[str] = set()
        for item in self.all("certificate"):
            for name in item["spec"]["dnsNames"]:
                left |= self.bench.nameserver.txt(f"_acme-challenge.{name.removeprefix('*.')}")
        return left

    def routes(self, *kinds: str) -> list[str]:
        """What leads HTTP-01 requests to the solver pods here: "ingress/NAME"; of all kinds if none is given."""
        return sorted(
            f"{kind}/{each['metadata']['name']}"
            for kind in kinds or ("ingress", "service", "endpointslice")
            for each in self.all(kind, selector="certwright.dev/solver")
        )

    def tokens(self) -> list[str]:
        """The rows of the token tables for this namespace's usual names."""
        return [row for row in token_rows(self.plane) if f".{self.namespace}.{ZONES[0]}" in row]

    def attempts(self) -> list[str]:
        """Names of the attempts of this namespace's Certificates."""
        found = []
        for item in self.plane.read.all("secrets", "certwright", selector="certwright.dev/secret=attempt"):
            journal = json.loads(base64.b64decode(item["data"]["attempt.json"]))
            if journal["certificate"]["namespace"] == self.namespace:
                found.append(item["metadata"]["name"])
        return found


def _plural(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"


def token_rows(plane: ControlPlane) -> list[str]:
    """The rows of all token tables."""
    tables = plane.read.all("configmaps", "certwright", selector="certwright.dev/table=tokens")
    return [row for table in tables for row in (table.get("data") or {}).get("rows", "").splitlines()]


def next_namespace() -> str:
    """A name that no test had yet."""
    return f"t{next(_numbers)}"


@pytest.fixture
def tenant(bench: Bench, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """A new namespace with TSIG key and Issuer; a failed test prints what was in it."""
    tenant = Tenant(bench, next_namespace())
    tenant.apply(tenant.dns_key(), tenant.issuer())
    yield tenant
    report = request.node.stash.get(OUTCOME, {}).get("call")
    if report is not None and report.failed:
        _explain(bench, tenant)
    kinds = "certificates.certwright.dev,issuers.certwright.dev"
    tenant.plane.kubectl("delete", kinds, "--all", "--namespace", tenant.namespace, check=False)


def _explain(bench: Bench, tenant: Tenant) -> None:
    """Print the objects, the events and the end of every operator's log."""
    kinds = "certificates.certwright.dev,issuers.certwright.dev,events"
    print(tenant.plane.kubectl("get", kinds, "--namespace", tenant.namespace, "--output=yaml", check=False))
    for log in sorted(bench.directory.glob("*/operator.log")):
        print(f"--- {log}", *log.read_text(errors="replace").splitlines()[-60:], sep="\n")
