"""The reader of pages finds what a reader of pages sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.pages import blocks, pages, yaml_blocks

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """
# Title

```yaml
kind: A
```

   ```yaml values
   image:
     tag: x
   ```

~~~yaml file=a/b.yaml
text: |
  ```
  not a fence of this block
  ```
~~~

````markdown
```yaml
kind: Inside another block
```
````

```
kubectl get cw
```
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text(PAGE)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "README.md").write_text("```yaml\n")
    return tmp_path


def test_blocks_are_found_with_their_words_and_lines(root: Path) -> None:
    found = list(blocks(root / "docs" / "page.md", root))
    assert [(block.line, block.words) for block in found] == [
        (4, ("yaml",)),
        (8, ("yaml", "values")),
        (13, ("yaml", "file=a/b.yaml")),
        (20, ("markdown",)),
        (26, ()),
    ]
    assert found[1].text == "image:\n  tag: x\n"
    assert "not a fence" in found[2].text
    assert str(found[0]) == "docs/page.md:4"


def test_only_yaml_is_taken_for_yaml(root: Path) -> None:
    assert [block.marker for block in yaml_blocks(root)] == ["", "values", "file=a/b.yaml"]


def test_what_tools_leave_behind_is_no_page(root: Path) -> None:
    assert [page.name for page in pages(root)] == ["page.md"]


def test_a_fence_that_is_not_closed_is_an_error(root: Path) -> None:
    (root / "open.md").write_text("\n```yaml\nkind: A\n")
    with pytest.raises(ValueError, match=r"open\.md:2: this fence is not closed"):
        list(blocks(root / "open.md", root))
