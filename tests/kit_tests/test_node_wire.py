"""Two nodes on one machine would have one address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.node_wire import turn
from tests.kit.waiting import WaitedInVain

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_node_waits_for_the_end_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "turn"
    with (
        turn(file),
        pytest.raises(WaitedInVain, match="another node on this machine"),
        turn(file, patience=0.1),
    ):
        pass
    with turn(file, patience=0.1):
        pass
