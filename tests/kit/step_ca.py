"""A private ACME certificate authority on loopback: Smallstep's step-ca, as a company runs it.

It differs from Pebble where CAs may: it validates while the answer to a challenge is under way, signs while the CSR
is, has no renewal information and no `Retry-After`, and leaves what it could not prove `pending`.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import requests

from tests.kit.authority import Authority
from tests.kit.go_build import built
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.processes import Process

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_START_SECONDS = 60
#: /acme/PROVISIONER/KIND, and /acme/PROVISIONER/order/ID/finalize.
_PATH = re.compile(r"/acme/[^/]+/([^/]+)(?:/[^/]+/(finalize)$)?")
#: What step-ca gives where nobody says otherwise.
USUAL_LIFE = timedelta(hours=24)


class StepCa:
    """A running step-ca; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        root_pem: its root, which stands over what it issues and over its own HTTPS (an Issuer's caBundle).
        log: what it said, one JSON object a line for each request.
    """

    def __init__(
        self, directory: Path, resolver: str, http_port: int, lifetimes: Mapping[str, timedelta]
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / "step-ca.log"
        self._address = f"{LOOPBACK}:{free_port()}"
        root = Authority.found(directory / "pki", "Company Root", path_length=1)
        self.root_pem = root.pem
        self._root_file = root.file
        self._config = directory / "ca.json"
        self._write_config(directory, root, lifetimes)
        self._command: list[str | Path] = [
            built("step-ca"),
            self._config,
            f"--resolver={resolver}",
            f"--acme-http-port={http_port}",
            "--insecure",  # step-ca's word for "another port than 80"
            "--quiet",
        ]
        self._environment = {"STEPPATH": str(directory)}
        self.process = self._run()

    @classmethod
    def start(
        cls,
        directory: Path,
        *,
        resolver: str,
        http_port: int,
        lifetimes: Mapping[str, timedelta],
    ) -> Self:
        """Start it and wait until it answers.

        Args:
            directory: an own folder for keys, database and log.
            resolver: "host:port" of the server that it asks when it validates.
            http_port: where it asks for HTTP-01 answers.
            lifetimes: its provisioners by name, each with a directory of its own, and how long their certificates
                are valid.

        Raises:
            WaitedInVain, EndedEarly: it did not come up; the message has the end of its log.
        """
        return cls(directory, resolver, http_port, lifetimes)

    def directory_url(self, provisioner: str) -> str:
        """What an ACME client is given."""
        return f"https://{self._address}/acme/{provisioner}/directory"

    def stop(self) -> None:
        """End it."""
        self.process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def requests(self) -> list[str]:
        """Kinds of all ACME requests so far: "new-order", "authz", "challenge", "order", "finalize", "certificate"."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [found[2] or found[1] for line in lines if (found := _PATH.match(str(line.get("path", ""))))]

    def _write_config(self, directory: Path, root: Authority, lifetimes: Mapping[str, timedelta]) -> None:
        issuing = root.intermediate("Company Issuing CA")
        content = {
            "root": str(root.file),
            "crt": str(issuing.certificate),
            "key": str(issuing.key),
            "address": self._address,
            "dnsNames": [LOOPBACK, "localhost"],
            "logger": {"format": "json"},
            "db": {"type": "badgerv2", "dataSource": str(directory / "db")},
            "authority": {
                "provisioners": [_provisioner(name, life) for name, life in lifetimes.items()],
            },
        }
        self._config.write_text(json.dumps(content, indent=2))

    def _run(self) -> Process:
        process = Process.start("step-ca", self._command, self.log, self._environment, grace_seconds=0)
        session = requests.Session()
        session.trust_env = False

        def answers() -> bool:
            return session.get(f"https://{self._address}/health", verify=str(self._root_file), timeout=5).ok

        try:
            process.await_ready(answers, "step-ca to answer", _START_SECONDS, (requests.RequestException,))
        finally:
            session.close()
        return process


def _provisioner(name: str, life: timedelta) -> dict[str, object]:
    seconds = f"{life.total_seconds():.0f}s"
    claims = {f"{bound}TLSCertDuration": seconds for bound in ("min", "max", "default")}
    return {"type": "ACME", "name": name} | ({} if life == USUAL_LIFE else {"claims": claims})
