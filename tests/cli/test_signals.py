"""However often both programs are asked to end, and in the middle of whatever: they end, and well."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.kit.ports import free_port

if TYPE_CHECKING:
    from pathlib import Path

ENDING = (signal.SIGTERM, signal.SIGINT)
#: So many that some come until the process has ended: Python takes handlers away before that.
SIGNALS = 20_000
#: Of an API server that nobody runs: both programs start without one.
KUBECONFIG = """
clusters: [{{name: none, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: nobody, user: {{token: no-secret}}}}]
contexts: [{{name: none, context: {{cluster: none, user: nobody}}}}]
current-context: none
"""


@pytest.mark.parametrize("program", ["run", "respond"])
def test_a_storm_of_signals_ends_a_program_as_one_does(tmp_path: Path, program: str) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG.format(port=free_port()))
    flags = {
        "run": [f"--listen-port={free_port()}"],
        "respond": [f"--port={free_port()}", f"--health-port={free_port()}", "--drain=0s"],
    }[program]
    command = [sys.executable, "-m", "certwright", program, "--namespace=certwright", *flags]
    with subprocess.Popen(
        [*command, f"--kubeconfig={kubeconfig}"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr
            assert any(" started " in line for line in process.stderr), "it did not start"
            for number in range(SIGNALS):
                process.send_signal(ENDING[number % len(ENDING)])
            said = process.communicate(timeout=40)[1]
        finally:
            process.kill()
    assert process.returncode == 0
    assert " stopped" in said
