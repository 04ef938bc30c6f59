"""The bench as a whole: its parts know of each other what they must, and a shell can start and end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import dns.query
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest
from cryptography import x509

from tests.kit.bench import Bench
from tests.kit.binaries import locate
from tests.kit_tests.acme_by_hand import Client

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.nameserver import NameServer

pytestmark = pytest.mark.cluster


def add_txt(server: NameServer, fqdn: str, value: str) -> None:
    """Put a value into a TXT record of the server's first zone (RFC 2136)."""
    keys = dns.tsigkeyring.from_text({server.tsig_name: server.tsig_secret})
    update = dns.update.UpdateMessage(server.zones[0], keyring=keys)
    update.add(f"{fqdn}.", 1, "TXT", value)
    assert dns.query.tcp(update, server.host, timeout=5, port=server.port).rcode() == dns.rcode.NOERROR


def test_the_ca_validates_through_the_name_server_of_the_bench(tmp_path: Path) -> None:
    with Bench.start(tmp_path, controller_manager=False) as bench:

        def publish(fqdn: str, value: str) -> None:
            add_txt(bench.nameserver, fqdn, value)

        with Client(bench.pebble.directory_url, bench.pebble.ca_file, publish) as client:
            chain = client.obtain("www.example.test", "*.www.example.test")
        with (
            Client(bench.pebble.directory_url, bench.pebble.ca_file) as client,
            pytest.raises(AssertionError, match="invalid"),
        ):
            client.obtain("without-proof.example.test")
        assert bench.control_plane.kubectl_json("get", "namespaces")["items"]

    names = x509.load_pem_x509_certificate(chain.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert set(names.value.get_values_for_type(x509.DNSName)) == {"www.example.test", "*.www.example.test"}


def test_what_had_started_is_stopped_if_the_rest_fails(tmp_path: Path) -> None:
    stopped: list[str] = []

    class Server:
        host, port, zones = "127.0.0.1", 1, ()
        tsig_name = tsig_secret = tsig_algorithm = ""

        def txt(self, fqdn: str) -> set[str]:
            raise AssertionError(fqdn)

        def stop(self) -> None:
            stopped.append("name server")

    (tmp_path / "control-plane").write_text("a file where a folder must be")
    with pytest.raises(FileExistsError):
        Bench.start(tmp_path, Server())
    assert stopped == ["name server"]


def test_a_shell_gets_lines_to_take_and_ends_it_with_a_signal(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.kit",
        "up",
        "--directory",
        str(tmp_path),
        "--zone",
        "example.test",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout
        assert shell.stdout.readline().startswith("# ready in ")
        lines = [shell.stdout.readline() for _ in range(8)]
        told = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        listing = [str(locate().kubectl), f"--kubeconfig={told['KUBECONFIG']}", "get", "namespaces"]
        assert "kube-system" in subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        os.kill(shell.pid, signal.SIGINT)
        assert shell.wait(30) == 0
