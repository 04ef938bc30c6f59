"""The command line: what it knows, and what it says to those who mistype."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from certwright import __version__
from certwright.cli.main import main
from certwright.cli.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _logging_stays_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def certwright(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"CERTWRIGHT_KUBECONFIG": "/nowhere", **environment}).invoke(main, arguments)


def test_it_says_its_version() -> None:
    assert __version__ in certwright("--version").output


def test_without_a_command_it_shows_the_commands() -> None:
    text = certwright("--help").output
    assert "run " in text
    assert "respond " in text


FLAGS = {
    "--namespace": "CERTWRIGHT_NAMESPACE",
    "--watch-namespace": "CERTWRIGHT_WATCH_NAMESPACES",
    "--kubeconfig": "CERTWRIGHT_KUBECONFIG",
    "--workers": "CERTWRIGHT_WORKERS",
    "--listen-port": "CERTWRIGHT_LISTEN_PORT",
    "--nameserver": "CERTWRIGHT_NAMESERVERS",
    "--authoritative-dns-port": "CERTWRIGHT_AUTHORITATIVE_DNS_PORT",
    "--permit-network": "CERTWRIGHT_PERMIT_NETWORKS",
    "--self-check-network": "CERTWRIGHT_SELF_CHECK_NETWORKS",
    "--self-check-http-port": "CERTWRIGHT_SELF_CHECK_HTTP_PORT",
    "--self-check-https-port": "CERTWRIGHT_SELF_CHECK_HTTPS_PORT",
    "--responder-service": "CERTWRIGHT_RESPONDER_SERVICE",
    "--responder-status": "CERTWRIGHT_RESPONDER_STATUS",
    "--route-linger": "CERTWRIGHT_ROUTE_LINGER",
    "--owner-role": "CERTWRIGHT_OWNER_ROLE",
    "--tls-acme": "CERTWRIGHT_TLS_ACME",
    "--instance": "CERTWRIGHT_INSTANCE",
    "--renewal-info-interval": "CERTWRIGHT_RENEWAL_INFO_INTERVAL",
    "--cert-manager-metrics": "CERTWRIGHT_CERT_MANAGER_METRICS",
    "--log-level": "CERTWRIGHT_LOG_LEVEL",
    "--log-format": "CERTWRIGHT_LOG_FORMAT",
}


@pytest.mark.parametrize(("flag", "variable"), FLAGS.items())
def test_every_setting_is_a_flag_and_a_variable_and_both_are_in_the_help(flag: str, variable: str) -> None:
    text = certwright("run", "--help").output
    assert flag in text
    assert variable in text


def test_there_are_no_settings_that_this_test_does_not_know() -> None:
    options = {name for each in run.params for name in each.opts}
    assert options == set(FLAGS)


def test_the_crash_point_of_tests_is_not_found_by_accident() -> None:
    assert "KILL" not in certwright("run", "--help").output


MISTAKES = [
    (("--workers", "0"), "0 is not in the range 1<=x<=256"),
    (("--listen-port", "70000"), "70000 is not in the range"),
    (("--nameserver", "192.0.2.53"), "192.0.2.53 is not host:port, for example 192.0.2.53:53"),
    (("--nameserver", "2001:db8::53"), "is not host:port"),
    (("--renewal-info-interval", "1 hour"), "1 hour is not a duration such as 10m or 24h"),
    (("--permit-network", "10.0.0.1/8"), "10.0.0.1/8 has host bits set; write for example 10.0.0.0/8"),
    (("--permit-network", "here"), "write for example 10.0.0.0/8"),
    (("--self-check-network", "10.0.0.1/8"), "10.0.0.1/8 has host bits set; write for example 10.0.0.0/8"),
    (("--responder-status", "10.0.0.1"), "10.0.0.1 is not host:port"),
    (
        ("--watch-namespace", "team-*"),
        "team-* is not the name of a namespace; patterns are not understood here",
    ),
    (("--route-linger", "-1s"), "-1s is not a duration"),
    (("--log-level", "loud"), "'loud' is not one of 'debug', 'info', 'warning', 'error'"),
    (("--log-format", "xml"), "'xml' is not one of 'text', 'json'"),
    (("--colour",), "No such option"),
]


@pytest.mark.parametrize(("arguments", "text"), MISTAKES, ids=[" ".join(each) for each, _ in MISTAKES])
def test_a_mistake_is_told_with_what_to_write_instead(arguments: tuple[str, ...], text: str) -> None:
    result = certwright("run", *arguments)
    assert result.exit_code == 2
    assert text in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("given", ["shop,blog", "shop, blog"])
def test_a_comma_between_namespaces_is_told_what_separates_them(given: str) -> None:
    for result in (
        certwright("run", CERTWRIGHT_WATCH_NAMESPACES=given),
        certwright("run", "--watch-namespace", given),
    ):
        assert result.exit_code == 2
        assert "separated by spaces in CERTWRIGHT_WATCH_NAMESPACES" in " ".join(result.output.split())
        assert "--watch-namespace is given once for each" in " ".join(result.output.split())


def test_a_variable_is_checked_like_its_flag() -> None:
    result = certwright("run", CERTWRIGHT_RENEWAL_INFO_INTERVAL="soon")
    assert result.exit_code == 2
    assert "soon is not a duration" in result.output


CONTEXT = "{name: a, context: {cluster: a, user: a}}"
CLUSTER = "{name: a, cluster: {server: 'https://a', certificate-authority-data: 5}}"
KUBECONFIGS = {
    "no YAML": ("a: [MARKER", "it is no YAML, see line 1"),
    "no text": ("\x00\x01MARKER", "it is no YAML"),
    "nothing": ("", "file is empty"),
    "a list": ("[1, 2]", "shape of a kubeconfig"),
    "a word": ("MARKER", "shape of a kubeconfig"),
    "no contexts": ("apiVersion: v1\nkind: Config", "Expected key current-context"),
    "contexts of another kind": ("current-context: a\ncontexts: MARKER", "Invalid kube-config file"),
    "a user without a name": (
        f"current-context: a\ncontexts: [{CONTEXT}]\nclusters: [{CLUSTER}]\nusers: [{{user: {{token: MARKER}}}}]",
        "Invalid kube-config file",
    ),
    "clusters of another kind": (
        f"current-context: a\ncontexts: [{CONTEXT}]\nclusters: 5\nusers: 5",
        "shape of a kubeconfig",
    ),
    "no base64": (
        f"current-context: a\ncontexts: [{CONTEXT}]\nusers: []\nclusters: [{CLUSTER}]",
        "shape of a kubeconfig",
    ),
}


@pytest.mark.parametrize(("text", "why"), KUBECONFIGS.values(), ids=KUBECONFIGS.keys())
def test_a_kubeconfig_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    result = certwright("run", "--kubeconfig", str(path))
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: {path} is no usable kubeconfig (")
    assert why in result.output
    assert result.output.count("\n") == 1
    assert "MARKER" not in result.output


def test_a_kubeconfig_that_is_not_there_is_one_sentence() -> None:
    result = certwright("run", "--nameserver", "[2001:db8::53]:53", "--renewal-info-interval", "90m")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "/nowhere does not exist" in result.output
    assert "Traceback" not in result.output
