"""When a process is called dead: only where a restart may mend it."""

from __future__ import annotations

import pytest

from certwright.metrics.health import BEGINNING, DEAF, STUCK_TURN, Health

NOW = 10_000.0


def health(
    *,
    longest: float = 0.0,
    watching: bool = True,
    last_round: float = NOW - 60,
    listed: bool = True,
    trouble: str = "",
    beginning: float | None = None,
) -> Health:
    return Health(
        longest_turn=lambda: longest,
        watching=lambda: watching,
        last_round=lambda: last_round,
        listed=lambda: listed,
        trouble=lambda: trouble,
        beginning_since=lambda: beginning,
        seconds=lambda: NOW,
    )


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (health(), ""),
        (health(longest=STUCK_TURN), ""),
        (health(longest=STUCK_TURN + 1), "a turn has been running for 901 s"),
        (health(watching=False), "nothing is watched any more"),
        (health(last_round=0.0, listed=False), ""),
        (health(last_round=NOW - DEAF), ""),
        (health(last_round=NOW - DEAF - 1), "has not been looked at for half an hour"),
        (health(trouble="the API server is away"), ""),
        (health(beginning=NOW - BEGINNING), ""),
        (health(beginning=NOW - BEGINNING - 1), "cannot begin to work"),
    ],
)
def test_only_what_a_restart_may_mend_is_called_dead(case: Health, why: str) -> None:
    said = case.alive()
    assert (why in said) if why else said == ""


def test_a_replica_is_ready_once_it_has_listed_the_cluster_and_says_what_keeps_it() -> None:
    assert health().ready() == ""
    assert health(trouble="gone since").ready() == ""
    assert "takes some seconds" in health(listed=False).ready()
    assert "apply the CRDs" in health(listed=False, trouble="not found; apply the CRDs").ready()
