"""`certwright version`, and what the commands for users do without."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from certwright import __version__
from certwright.cli.main import main


def test_the_version_for_people_and_for_machines() -> None:
    assert CliRunner().invoke(main, ["version"]).output == f"{__version__}\n"
    said = CliRunner().invoke(main, ["version", "--output", "json"]).output
    assert json.loads(said) == {"clientVersion": __version__}


@pytest.mark.parametrize(
    ("module", "left_out"),
    [
        ("version", {"kopf", "kubernetes", "cryptography", "yaml", "requests", "msgspec"}),
        ("listing", {"kopf", "aiohttp", "kubernetes", "yaml", "requests"}),
    ],
)
def test_a_command_starts_without_what_it_does_not_need(module: str, left_out: set[str]) -> None:
    program = f"import sys, certwright.cli.main, certwright.cli.{module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not left_out & {name.partition(".")[0] for name in done.stdout.split()}
