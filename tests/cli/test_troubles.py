"""What a user reads of troubles with the command itself, and the page on which all troubles stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.test_listing import certwright, config, server
from tests.cluster.troubles.commands import COMMANDS
from tests.cluster.troubles.ingresses import INGRESSES
from tests.cluster.troubles.page import PAGE, page
from tests.cluster.troubles.table import TROUBLES
from tests.cluster.troubles.trouble import TOLD

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.troubles.commands import CommandTrouble
    from tests.kube.scripted_server import ScriptedServer

__all__ = ["config", "server"]


@pytest.mark.parametrize("trouble", COMMANDS, ids=lambda trouble: trouble.name)
def test_the_cause_and_the_next_step_are_named(
    trouble: CommandTrouble, server: ScriptedServer, config: Path
) -> None:
    server.script(*trouble.answers)
    done = certwright(config, "status", "web", "-n", "shop")
    told = (done.stdout + done.stderr).replace(server.url, "https://kubernetes.example.com:6443")
    for words in (trouble.cause, trouble.step):
        assert words in told
    assert told == trouble.golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)
def test_what_was_printed_reads_well(trouble: object) -> None:
    told = trouble.golden.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    for line in told.splitlines():
        text = line.lstrip("│├└─ ")
        sentences = [each for each in text.split(". ") if each]
        assert len(sentences) == len(set(sentences)), f"said twice: {text}"
        assert not {"None", "null", "[]", "{}"} & set(text.replace("<nil>: Invalid value: null", "").split())
        assert ".." not in text
        assert "Errno" not in text


def test_the_page_tells_the_tables_and_what_was_printed() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_every_text_belongs_to_a_trouble() -> None:
    names = [each.name for each in (*TROUBLES, *INGRESSES, *COMMANDS)]
    assert sorted(f"{name}.txt" for name in names) == sorted(each.name for each in TOLD.iterdir())
