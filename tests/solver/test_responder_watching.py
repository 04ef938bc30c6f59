"""How the tables are kept in step: lists, watches, troubles, pauses. The API server is a script, the clock a number."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import pytest

from certwright.failures import TryLater
from certwright.resources.conditions import Reason
from certwright.resources.names import ApiNames
from certwright.solver.responder.standing import StandingTables
from certwright.solver.responder.watching import BEHIND, LONGEST_PAUSE, STUCK, Watching
from certwright.solver.tables import table_body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json: TypeAlias = dict[str, Any]

AWAY = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "token tables: the API server did not answer")
GONE = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "token tables: too old resource version")


class Page(NamedTuple):
    tables: list[Json]
    version: str


def table(index: int, version: str, **rows: str) -> Json:
    """A table with a row `host → value` each; the token is always "t"."""
    body = table_body(ApiNames(), "certwright", index, {(host, "t"): value for host, value in rows.items()})
    body["metadata"]["resourceVersion"] = version
    return body


class Script:
    """An API server that does what it is told, and ends the test when it has nothing more to do.

    Args:
        acts: what each list and each watch does: pages or events, seconds that pass, functions that are called,
            exceptions that are raised; an exception alone is a server that is away.
    """

    def __init__(self, *acts: list[Any] | Exception) -> None:
        self.acts = list(acts)
        self.now = 1000.0
        self.asked: list[str] = []
        self.pauses: list[float] = []
        self.on_pause: Callable[[], object] = lambda: None
        self.tables = StandingTables()
        self.watching = Watching(
            self, self.tables, seconds=lambda: self.now, dice=lambda: 0.0, wait=self._pause
        )

    def run(self) -> None:
        self.watching.run()
        assert not self.acts

    def pages(self) -> Iterator[Page]:
        self.asked.append("list")
        for page in self._next():
            if isinstance(page, Exception):
                raise page
            assert isinstance(page, Page)
            yield page

    def changes(self, since: str) -> Iterator[tuple[str, Json]]:
        self.asked.append(since)
        for step in self._next():
            assert not isinstance(step, Page)
            if isinstance(step, Exception):
                raise step
            if isinstance(step, float):
                self.now += step
            elif callable(step):
                step()
            else:
                yield step

    def _next(self) -> list[Any]:
        if not self.acts:
            self.watching.stop()
            return []
        act = self.acts.pop(0)
        if isinstance(act, Exception):
            raise act
        return act

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.on_pause()


def test_all_pages_are_seen_at_once_and_watched_from_the_version_of_the_list() -> None:
    script = Script([Page([table(0, "3", a="1")], "9"), Page([table(1, "5", b="2")], "9")], [60.0])
    script.run()
    assert script.asked[:2] == ["list", "9"]
    assert (script.tables.find("a", "t"), script.tables.find("b", "t")) == ("1", "2")
    assert script.tables.versions() == {"certwright-tokens-0": "3", "certwright-tokens-1": "5"}
    assert script.tables.row_count == 2


def test_changes_are_followed_and_the_next_watch_begins_where_the_last_one_ended() -> None:
    script = Script(
        [Page([table(0, "3", a="1")], "9")],
        [("ADDED", table(1, "10", b="1")), ("MODIFIED", table(0, "11", a="2", c="3")), 30.0],
        [("BOOKMARK", table(0, "20")), 30.0],
        [("DELETED", table(1, "21", b="1")), 30.0],
    )
    script.run()
    assert script.asked[:5] == ["list", "9", "11", "20", "21"]
    assert [script.tables.find(host, "t") for host in "abc"] == ["2", None, "3"]
    assert script.tables.versions() == {"certwright-tokens-0": "11"}
    assert script.pauses == [0.5], "only the last watch, which ended the test, was short"


def test_a_version_is_told_only_once_its_rows_are_answered() -> None:
    """The same value holds both: whoever reads the version finds the rows."""
    seen = []

    def look() -> None:
        seen.append((script.tables.versions()["certwright-tokens-0"], script.tables.find("a", "t")))

    script = Script(
        [Page([table(0, "3", a="1")], "3")],
        [look, ("MODIFIED", table(0, "4", a="2")), look, ("MODIFIED", table(0, "5")), look, 30.0],
    )
    script.run()
    assert seen == [("3", "1"), ("4", "2"), ("5", None)]


@pytest.mark.parametrize("trouble", [AWAY, GONE, ValueError("a bug")])
def test_after_any_trouble_it_lists_again_and_forgets_what_is_gone(trouble: Exception) -> None:
    script = Script(
        [Page([table(0, "3", a="1"), table(1, "4", b="1")], "9")],
        [5.0, trouble],
        [Page([table(1, "12", b="2")], "15")],
        [60.0],
    )
    script.run()
    assert script.asked[:4] == ["list", "9", "list", "15"]
    assert (script.tables.find("a", "t"), script.tables.find("b", "t")) == (None, "2")
    assert script.tables.versions() == {"certwright-tokens-1": "12"}
    assert script.watching.restarts >= 1


def test_what_is_known_is_answered_while_the_cluster_cannot_be_listed() -> None:
    script = Script([Page([table(0, "3", a="1")], "9")], [AWAY], AWAY, AWAY, AWAY)
    seen: list[tuple[str | None, bool, str]] = []
    script.on_pause = lambda: seen.append(
        (script.tables.find("a", "t"), script.watching.complete, script.watching.trouble)
    )
    script.run()
    assert seen[:4] == [("1", True, AWAY.message)] * 4


def test_half_a_list_changes_nothing() -> None:
    script = Script(
        [Page([table(0, "3", a="1")], "9")],
        [GONE],
        [Page([table(1, "12", b="1")], "15"), AWAY],
        [Page([table(0, "3", a="1")], "16")],
        [30.0],
    )
    seen: list[tuple[str | None, str | None]] = []
    script.on_pause = lambda: seen.append((script.tables.find("a", "t"), script.tables.find("b", "t")))
    script.run()
    assert seen[:2] == [("1", None), ("1", None)]


def test_pauses_grow_to_a_bound_and_begin_anew_after_news() -> None:
    script = Script(
        *[AWAY] * 7,
        [Page([], "9")],
        [("ADDED", table(0, "10", a="1")), AWAY],
        [Page([], "11")],
        [60.0, GONE],
        [Page([], "12")],
    )
    script.run()
    assert script.pauses[:9] == [0.5, 1, 2, 4, 8, LONGEST_PAUSE, LONGEST_PAUSE, 0.5, 1]


def test_a_server_that_ends_each_watch_at_once_is_asked_ever_less() -> None:
    script = Script([Page([], "9")], [], [], [], [30.0], [])
    script.run()
    assert script.pauses[:4] == [0.5, 1, 2, 0.5]


def test_pods_that_lost_the_same_server_do_not_come_back_together() -> None:
    script = Script(AWAY)
    script.watching._dice = lambda: 0.99
    script.run()
    assert 0.25 <= script.pauses[0] < 0.26


def test_an_outage_is_told_once_and_a_table_when_it_comes_and_goes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    script = Script(
        *[AWAY] * 5,
        [Page([table(0, "3", a="1")], "9")],
        [("MODIFIED", table(0, str(version), a="1")) for version in range(10, 30)],
        [("ADDED", table(1, "30", b="1")), ("DELETED", table(1, "31", b="1")), 30.0],
    )
    script.run()
    assert [record.message for record in caplog.records][:5] == [
        "tables cannot be watched, trying again",
        "table loaded",
        "tables listed",
        "table loaded",
        "table dropped",
    ]


# Health


def test_it_is_complete_after_the_first_list() -> None:
    seen: list[bool] = []
    script: Script = Script(AWAY, [Page([], "9")], [lambda: seen.append(script.watching.complete), 30.0])
    assert not script.watching.complete
    script.run()
    assert seen == [True]


def test_before_the_first_list_it_is_unready_and_says_what_it_waits_for() -> None:
    script = Script(AWAY, [Page([], "9")], [30.0])
    seen: list[str] = []
    script.on_pause = lambda: seen.append(script.watching.unready())
    assert script.watching.unready() == "the token tables are still being listed; this takes a moment"
    script.run()
    assert seen[0] == f"the token tables are still being listed; {AWAY.message}"


def test_one_that_cannot_follow_is_unready_after_a_minute_and_ready_when_it_has_listed_anew() -> None:
    """The others need not wait for it; what it knows, it goes on answering."""
    seen: list[tuple[float, str, str | None]] = []
    script: Script

    def look() -> None:
        seen.append((script.now, script.watching.unready(), script.tables.find("a", "t")))

    script = Script(
        [Page([table(0, "3", a="1")], "9")],
        [("BOOKMARK", table(0, "10")), 25.0, look, AWAY],
        *[AWAY] * 12,
        [Page([table(0, "11", a="2")], "11")],
        [look, 30.0],
    )
    script.on_pause = look
    script.run()
    during = [each for each in seen if each[2] == "1"]
    assert [bool(unready) for _, unready, _ in during] == [now - 1000 >= BEHIND for now, _, _ in during]
    assert {bool(unready) for _, unready, _ in during} == {False, True}
    assert during[-1][1].endswith(f"s ago; {AWAY.message}")
    assert {unready for _, unready, value in seen if value == "2"} == {""}


def test_half_a_list_does_not_make_it_ready_again() -> None:
    seen: list[str] = []
    script = Script([Page([], "9")], [BEHIND, AWAY], [Page([], "10"), AWAY], [Page([], "11")], [30.0])
    script.on_pause = lambda: seen.append(script.watching.unready())
    script.run()
    assert [bool(each) for each in seen[:2]] == [True, True]
    assert seen[2] == ""


def test_one_that_hears_nothing_new_for_long_stays_ready() -> None:
    """Watches without an event end in good order."""
    seen: list[str] = []
    script: Script

    def look() -> None:
        seen.append(script.watching.unready())

    script = Script([Page([], "9")], *[[30.0, look]] * 10)
    script.run()
    assert seen == [""] * 10


def test_one_that_can_list_but_not_watch_keeps_up_by_lists_and_stays_ready() -> None:
    acts: list[list[Any] | Exception] = [[Page([], "9")], AWAY]
    script = Script(*acts * 15)
    seen: list[str] = []
    script.on_pause = lambda: seen.append(script.watching.unready())
    script.run()
    assert script.now > 1000 + BEHIND
    assert set(seen) == {""}


def test_a_watch_that_falls_silent_without_an_end_makes_it_unready() -> None:
    seen: list[str] = []
    script: Script

    def look() -> None:
        seen.append(script.watching.unready())

    script = Script([Page([], "9")], [BEHIND - 1, look, 1.0, look, ("BOOKMARK", table(0, "10")), look, 30.0])
    script.run()
    assert seen == ["", f"the token tables were last in step {BEHIND:.0f} s ago; nothing was heard since", ""]


def test_a_thread_that_is_not_there_is_told() -> None:
    assert Script().watching.wrong() == "the tables are not watched any more"


def test_only_a_thread_that_stands_still_is_wrong_not_one_that_hears_nothing_new() -> None:
    seen: list[str] = []

    def look() -> None:
        """In the thread itself, which is alive then."""
        seen.append(script.watching.wrong())

    script = Script(
        [Page([], "9")],
        [STUCK - 1, look, 2.0, look, ("BOOKMARK", table(0, "10")), look],
        *[AWAY] * 40,
        [Page([], "11")],
        [look, 30.0],
    )
    script.watching.start()
    script.watching._thread.join(10)
    assert seen == ["", f"nothing was heard of the tables for {STUCK + 1:.0f} s", "", ""]
