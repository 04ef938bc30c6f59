"""The helm commands that pages tell their readers to type: helm knows the flags, the chart the values."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.kit.helm import CHART, Helm
from tests.kit.pages import ROOT, blocks, pages

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.servers

#: Flags of `helm install` and `helm upgrade` that say what the chart is rendered with.
VALUES = ("--set", "--set-string", "--set-json")


def commands() -> list[tuple[str, list[str]]]:
    """Every helm command that stands alone in a block, as a shell reads it, with the page that shows it."""
    found = []
    for page in pages():
        for block in blocks(page):
            lines = block.text.replace("\\\n", " ").splitlines()
            words = [shlex.split(line, comments=True) for line in lines if line.startswith("helm ")]
            found += [(block.page, each) for each in words]
    return found


COMMANDS = commands()


def test_the_pages_tell_how_to_install_upgrade_and_uninstall() -> None:
    assert {words[1] for _, words in COMMANDS} >= {"install", "upgrade", "uninstall"}


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=lambda part: part if isinstance(part, str) else "")
def test_helm_knows_the_flags_and_the_chart_its_values(page: str, words: list[str], tmp_path: Path) -> None:
    helm = Helm(tmp_path)
    known = set(re.findall(r"--[a-z][a-z-]+", helm(words[1], "--help")))
    flags = [word.partition("=")[0] for word in words if word.startswith("--")]
    assert set(flags) <= known, page
    if words[1] in {"install", "upgrade"}:
        assert (ROOT / words[3]).resolve() == CHART, "from the top of a clone, as the page says"
        told = [f"{word}={words[place + 1]}" for place, word in enumerate(words) if word in VALUES]
        assert helm.template(*told)
