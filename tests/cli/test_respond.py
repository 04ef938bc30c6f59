"""`certwright respond` on the command line: its settings, and what it says to those who mistype."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from certwright.cli.respond import respond
from certwright.solver.keeper import REFRESH
from certwright.solver.responder.program import ResponderSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FLAGS = {
    "--namespace": "CERTWRIGHT_NAMESPACE",
    "--kubeconfig": "CERTWRIGHT_KUBECONFIG",
    "--port": "CERTWRIGHT_CHALLENGE_PORT",
    "--health-port": "CERTWRIGHT_HEALTH_PORT",
    "--drain": "CERTWRIGHT_DRAIN",
    "--log-level": "CERTWRIGHT_LOG_LEVEL",
    "--log-format": "CERTWRIGHT_LOG_FORMAT",
}


@pytest.fixture(autouse=True)
def _logging_stays_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"CERTWRIGHT_KUBECONFIG": "/nowhere", **environment}).invoke(respond, arguments)


@pytest.mark.parametrize(("flag", "variable"), FLAGS.items())
def test_every_setting_is_a_flag_and_a_variable_and_both_are_in_the_help(flag: str, variable: str) -> None:
    text = run("--help").output
    assert flag in text
    assert variable in text


def test_there_are_no_settings_that_this_test_does_not_know() -> None:
    assert {name for each in respond.params for name in each.opts} == set(FLAGS)


def test_it_drains_for_longer_than_routers_take_to_hear_of_it() -> None:
    """The operator looks at the solver pods every two seconds; then routers have to follow."""
    (drain,) = (each for each in respond.params if each.name == "drain")
    assert drain.default == "10s"
    assert ResponderSettings(namespace="certwright").drain == timedelta(seconds=10)
    assert timedelta(seconds=10) >= 5 * timedelta(seconds=REFRESH)
    assert "[env var: CERTWRIGHT_DRAIN; default: 10s]" in " ".join(run("--help").output.split())


def test_no_variable_is_one_that_kubernetes_makes_of_our_services() -> None:
    """For each Service of the namespace, pods get NAME_PORT and NAME_SERVICE_HOST (docker links)."""
    for service in ("CERTWRIGHT", "CERTWRIGHT_RESPONDER", "CERTWRIGHT_RESPOND"):
        made = {f"{service}_PORT", f"{service}_SERVICE_HOST", f"{service}_SERVICE_PORT"}
        assert not made & set(FLAGS.values())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--port", "70000"), "70000 is not in the range 0<=x<=65535"),
        (("--health-port", "x"), "'x' is not a valid integer"),
        (("--drain", "soon"), "soon is not a duration such as 10m or 24h"),
        (("--kubeconfig", "/no/such/file"), "/no/such/file does not exist; name another file"),
    ],
)
def test_a_mistake_is_explained_without_a_traceback(arguments: tuple[str, ...], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code != 0
    assert told in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "config"
    kubeconfig.write_text(
        '{"clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}], "current-context": "a",'
        ' "users": [{"name": "a", "user": {}}], "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}]}'
    )
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--kubeconfig", str(kubeconfig), "--port", str(port), "--health-port", "0")
    assert result.exit_code == 1
    assert f"port {port}" in result.output
    assert "in use" in result.output


def test_it_imports_neither_the_operator_nor_its_framework() -> None:
    """They would take more memory than the solver pod is given."""
    program = "import sys; import certwright.cli.respond; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"certwright.app", "kopf", "aiohttp", "cryptography", "josepy", "dns"}
