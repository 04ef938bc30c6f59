"""Every block of YAML in a page says what it is, so that tests/cluster/test_pages.py tries it accordingly."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.kit.page_parts import WHOLE
from tests.kit.pages import ROOT, Block, blocks, pages, yaml_blocks

BLOCKS = yaml_blocks()
ALL = [block for page in pages() for block in blocks(page)]
#: The first line of a manifest, at any depth of a page.
MANIFEST = re.compile(r"^\s*apiVersion:\s", re.MULTILINE)


def test_there_are_pages_with_yaml() -> None:
    assert {"README.md", "crds/certificate.md", "crds/issuer.md"} <= {block.page for block in BLOCKS}


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_says_in_words_that_are_known_what_it_is(block: Block) -> None:
    word, _, value = block.marker.partition("=")
    match word:
        case "" | "values":
            assert not value
        case "part":
            assert value in WHOLE
        case "file":
            assert (ROOT / value).is_file()
        case _:
            pytest.fail(f"tests/kit/pages.py does not know {block.marker!r}")


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_yaml_and_a_manifest_if_it_says_nothing_else(block: Block) -> None:
    documents = list(yaml.safe_load_all(block.text))
    assert all(isinstance(each, dict) and each for each in documents)
    if not block.marker:
        for each in documents:
            assert {"apiVersion", "kind", "metadata"} <= set(each), "say behind the fence what this is"


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.marker.startswith("file=")], ids=str)
def test_a_block_that_shows_a_file_is_that_file(block: Block) -> None:
    file = ROOT / block.marker.removeprefix("file=")
    assert list(yaml.safe_load_all(block.text)) == list(yaml.safe_load_all(file.read_text()))


def test_no_manifest_hides_where_no_test_looks() -> None:
    """In a block of another language, in an indented one, or in a line of text."""
    for page in pages():
        shown = len(MANIFEST.findall(page.read_text(encoding="utf-8")))
        tried = sum(len(MANIFEST.findall(each.text)) for each in blocks(page) if each.is_yaml)
        assert tried == shown, f"{page}: mark its YAML by ```yaml"
