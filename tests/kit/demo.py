"""`make demo`: a certificate issued end to end by real servers on loopback, then renewed on the CA's advice.

Everything is real but the size: etcd, kube-apiserver and kube-controller-manager, Pebble as the ACME CA, a DNS
server that takes RFC 2136 updates, and the operator as a process. The manifests are the ones in the README.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from tests.kit import operator_process
from tests.kit.bench import Bench
from tests.kit.binaries import already_there, locate
from tests.kit.examples import EXAMPLES, Servers, filled_in
from tests.kit.front import Front
from tests.kit.operator_process import ROOT, Operator
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import free_port
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.kit.control_plane import ControlPlane

ZONE = "example.test"
CERTIFICATES = ("shop", "web", "wildcard")
#: Seconds until a certificate must be there; the usual time is three.
PATIENCE = 90
#: How often the operator asks for renewal advice here; at home it is up to once a day.
ASK_EVERY = "2s"


def main() -> int:
    """Run the demonstration; returns the exit code."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    keep = options.parse_args().keep
    # Explicitly: a shell starts what it puts into the background with Ctrl-C ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    _say("looking for the control plane's programs (built once, about ten minutes on two cores)")
    locate()
    directory = Path(tempfile.mkdtemp(prefix="certwright-demo-"))
    code = 0
    try:
        _show(directory, keep=keep)
    except KeyboardInterrupt as ended:
        code = 128 + int(ended.args[0])
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    _say("everything is stopped and removed")
    return code


def _interrupt(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(number)


def _show(directory: Path, *, keep: bool) -> None:
    _say(f"starting a name server for {ZONE}, the ACME CA Pebble, and a Kubernetes control plane")
    settings = PebbleSettings(http_port=free_port())
    with Bench.start(directory, zones=[ZONE], pebble=settings) as bench:
        plane = bench.control_plane
        _say(
            "applying CRDs and RBAC, starting a solver pod's program, an ingress controller, and the operator"
        )
        operator_process.install(plane)
        front = Front.start(directory / "responder", plane, settings.http_port)
        asks = f"--renewal-info-interval={ASK_EVERY}"
        operator = Operator.start(directory / "operator", plane, bench.nameserver, asks, *front.flags)
        try:
            _issue(bench, operator)
            _renew(bench, operator)
            if keep:
                _keep(bench, operator)
        finally:
            operator.stop()
            front.stop()


def _issue(bench: Bench, operator: Operator) -> None:
    plane = bench.control_plane
    _say(f"applying {', '.join(str(file.relative_to(ROOT)) for file in _manifests())}")
    for file in _manifests():
        plane.kubectl("apply", "--filename", "-", input=filled_in(file.read_text(), _servers(bench)))
    began = time.monotonic()
    _await_ready(plane, operator)
    _say(f"all certificates are ready after {time.monotonic() - began:.1f} s")
    _print_objects(plane)


def _manifests() -> list[Path]:
    return sorted(EXAMPLES.glob("*.yaml"))


def _servers(bench: Bench) -> Servers:
    pebble, nameserver = bench.pebble, bench.nameserver
    return Servers(
        directory_url=pebble.directory_url,
        ca_pem=pebble.ca_pem,
        nameserver=f"{nameserver.host}:{nameserver.port}",
        tsig_name=nameserver.tsig_name,
        tsig_secret=nameserver.tsig_secret,
    )


def _await_ready(plane: ControlPlane, operator: Operator) -> None:
    told: dict[str, str] = {}

    def all_ready() -> bool:
        states = list(_states(plane))
        for name, _, message in states:
            if told.get(name) != message:
                told[name] = message
                print(f"    {name}: {message}", flush=True)
        return len(states) == len(CERTIFICATES) and all(ready == "True" for _, ready, _ in states)

    eventually(all_ready, "all certificates to be ready", PATIENCE, explain=operator.process.last_words)


def _states(plane: ControlPlane) -> Iterator[tuple[str, str, str]]:
    for item in plane.kubectl_json("get", "certificates.certwright.dev")["items"]:
        for condition in item["status"].get("conditions", []):
            if condition["type"] == "Ready":
                yield item["metadata"]["name"], condition["status"], condition["message"]


def _print_objects(plane: ControlPlane) -> None:
    for command in (
        ("get", "clusterissuers,issuers.certwright.dev"),
        ("get", "cw", "--output=wide"),
        ("get", "secrets", "--selector=certwright.dev/secret=target"),
        ("get", "events", "--field-selector=reason=Issued"),
    ):
        print(f"\n$ kubectl {' '.join(command)}\n{plane.kubectl(*command)}", end="", flush=True)
    for name in CERTIFICATES:
        _print_certificate(name, _leaf(plane, name))


def _leaf(plane: ControlPlane, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(_chain(plane, name).encode())


def _chain(plane: ControlPlane, name: str) -> str:
    secret = plane.kubectl_json("get", "secret", f"{name}-tls")
    return base64.b64decode(secret["data"]["tls.crt"]).decode()


def _print_certificate(name: str, leaf: x509.Certificate) -> None:
    names = leaf.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME).value
    assert isinstance(names, x509.SubjectAlternativeName)
    print(f"\nSecret {name}-tls, tls.crt:")
    print(f"  serial     {leaf.serial_number:x}")
    print(f"  names      {', '.join(names.get_values_for_type(x509.DNSName))}")
    print(f"  issuer     {leaf.issuer.rfc4514_string()}")
    print(
        f"  valid      {leaf.not_valid_before_utc:%Y-%m-%d %H:%M:%S} to {leaf.not_valid_after_utc:%Y-%m-%d %H:%M:%S}"
    )


def _renew(bench: Bench, operator: Operator) -> None:
    plane = bench.control_plane
    name = CERTIFICATES[0]
    before = _leaf(plane, name)
    print(flush=True)
    _say(f"the CA now suggests to renew {name} at once (ARI, RFC 9773)")
    bench.pebble.call_for_renewal(_chain(plane, name))
    began = time.monotonic()
    eventually(
        lambda: _leaf(plane, name).serial_number != before.serial_number,
        "the renewed certificate",
        PATIENCE,
        explain=operator.process.last_words,
    )
    _say(f"renewed after {time.monotonic() - began:.1f} s")
    after = _leaf(plane, name)
    print(f"    serial {before.serial_number:x} -> {after.serial_number:x}")
    _print_certificate(name, after)
    print(flush=True)


def _keep(bench: Bench, operator: Operator) -> None:
    _say("left running; look around in another shell, end with Ctrl-C")
    print(f"    export KUBECONFIG={bench.control_plane.kubeconfig()}")
    if not already_there("kubectl", {"PATH": os.environ.get("PATH", "")}):
        print(f"    alias kubectl={locate().kubectl}")
    print("    kubectl get cw --output=wide --watch")
    print(f"    the operator's log:  {operator.log}")
    print(f"    its pages:           {operator.url}/metrics, /healthz, /readyz")
    print(f"    the CA:              {bench.pebble.directory_url}", flush=True)
    with suppress(KeyboardInterrupt):
        threading.Event().wait()


def _say(sentence: str) -> None:
    print(f"==> {sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
