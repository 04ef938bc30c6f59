"""The README says what is so: its manifests are the examples that the demo applies, its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "operator/METRICS.md",
    "operator/README.md",
    "operator/REASONS.md",
    "operator/REFUSALS.md",
    "SECURITY.md",
    "crds/certificate.md",
    "crds/issuer.md",
    "charts/certwright/README.md",
)


def test_the_manifests_of_the_readme_are_the_examples() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    shown = [each for block in blocks for each in yaml.safe_load_all(block)]
    files = sorted((ROOT / "examples").glob("*.yaml"))
    assert shown == [each for file in files for each in yaml.safe_load_all(file.read_text())]


@pytest.mark.parametrize("page", PAGES)
def test_links_within_the_repository_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    targets = [link for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text) if "://" not in link]
    assert [link for link in targets if not ((ROOT / page).parent / link).exists()] == []


@pytest.mark.parametrize("target", ["demo", "test", "check"])
def test_the_commands_that_are_named_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
