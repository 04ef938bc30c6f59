"""Whatever happened before: in the end the token tables hold exactly what is wanted, and everybody was woken."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from certwright.failures import NeedsPerson, TryLater
from certwright.resources.conditions import Reason
from certwright.solver.tables import decode_rows, table_name
from tests.solver.table_world import Killed, World, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.solver.publisher import TokenTables

SENTINEL = row(9_999)
OWNERS = ("a", "b", "c")
FAULTS = {
    "lost": TryLater(Reason.API_SERVER_UNAVAILABLE.word, "the request was lost"),
    "refused": NeedsPerson(Reason.FORBIDDEN.word, "no"),
    "bug": ZeroDivisionError(),
    "killed": Killed(),
}

spans = st.builds(
    lambda start, length: range(start, start + length),
    st.integers(0, 900),
    st.one_of(st.integers(0, 5), st.integers(400, 700)),
)
owners = st.sampled_from(OWNERS)
indexes = st.integers(0, 2)
steps = st.one_of(
    st.tuples(st.just("publish"), owners, spans),
    st.tuples(st.just("withdraw"), owners),
    st.tuples(st.just("live"), st.sampled_from([0.0, 0.3, 1.0, 6.0])),
    st.tuples(st.just("new leader")),
    st.tuples(st.just("new term")),
    st.tuples(st.just("settle")),
    st.tuples(st.just("edit"), indexes, spans, st.booleans()),
    st.tuples(st.just("delete"), indexes),
    st.tuples(st.just("fail before"), st.sampled_from(sorted(FAULTS))),
    st.tuples(st.just("fail after"), st.sampled_from(sorted(FAULTS))),
)


class History:
    """One world, one leader at a time, and what should be in the end."""

    def __init__(self) -> None:
        self.world = World()
        self.world.on_write = self._no_shrinking
        self.wanted: dict[str, list[int]] = {}
        self.settled = False
        self.writes: list[list[tuple[float, str]]] = []
        self.publisher: TokenTables
        self.lead(new=True)

    def lead(self, *, new: bool) -> None:
        """Another process, or this one again, takes the lead and publishes what is open."""
        if new:
            self.publisher = self.world.publisher()
            self.world.writes = []
            self.writes.append(self.world.writes)
        else:
            self.publisher.end()
        self.publisher.begin()
        self.settled = False
        for owner in self.wanted:
            self._publish(owner)

    def settle(self) -> None:
        self.publisher.settle()
        self.settled = True

    def do(self, verb: str, *args: object) -> None:
        match verb, *args:
            case "publish", str(owner), range() as span:
                self.wanted[owner] = list(span)
                self._publish(owner)
            case "withdraw", str(owner):
                self.wanted.pop(owner, None)
                self.publisher.withdraw(owner)
            case "live", float(seconds):
                self.live(seconds)
            case ("settle",):
                self.settle()
            case (("new leader" | "new term") as which,):
                self.lead(new=which == "new leader")
            case "edit", int(index), range() as span, bool(label):
                text = "".join(f"{r.host} {r.token} {r.key_authorization}\n" for r in map(row, span[:500]))
                self.world.edit(index, text, label=label)
            case "delete", int(index):
                self.world.objects.pop(table_name(index), None)
            case "fail before", str(kind):
                self.world.on_write = self._failing(FAULTS[kind])
            case "fail after", str(kind):
                self.world.after_write = self._failing(FAULTS[kind])
            case other:
                raise AssertionError(other)

    def live(self, seconds: float) -> None:
        try:
            self.world.run(self.publisher, seconds)
        except Killed:
            self.lead(new=True)

    def finish(self) -> None:
        """No more faults; those who wait ask now and then, as attempts do."""
        self.world.on_write, self.world.after_write = self._no_shrinking, lambda _: None
        self.wanted["sentinel"] = [9_999]
        self._publish("sentinel")
        self.settle()
        for _ in range(6):
            self.live(11)
            for number in itertools.chain(*self.wanted.values()):
                self.publisher.served(row(number))
        self.live(11)

    def _publish(self, owner: str) -> None:
        self.publisher.publish(owner, [row(number) for number in self.wanted[owner]], self.world.wake(owner))

    def _failing(self, error: BaseException) -> Callable[[object], None]:
        def fail(_: object) -> None:
            self.world.on_write, self.world.after_write = self._no_shrinking, lambda _: None
            raise error

        return fail

    def _no_shrinking(self, body: dict[str, dict[str, str]]) -> None:
        """Before a leader settles, a write that is accepted holds all that stood there."""
        standing = self.world.objects.get(body["metadata"]["name"])
        if self.settled or not standing:
            return
        same = standing["metadata"]["resourceVersion"] == body["metadata"].get("resourceVersion")
        if same and standing["metadata"]["labels"]:
            assert decode_rows(standing).keys() <= decode_rows(body).keys()


@given(st.lists(steps, max_size=15))
def test_in_the_end_the_tables_hold_what_is_wanted(history: list[tuple[str, object]]) -> None:
    seen = History()
    for verb, *args in history:
        seen.do(verb, *args)
    seen.finish()
    wanted = {row(number) for number in itertools.chain(*seen.wanted.values())}
    assert seen.world.holds(*wanted)
    assert all(seen.publisher.served(each) for each in wanted)
    assert all(len(decode_rows(each)) <= 500 for each in seen.world.objects.values())
    assert Counter(seen.world.woken)["sentinel"] >= 1


@given(st.lists(steps, max_size=15))
def test_no_process_writes_a_table_twice_in_a_second(history: list[tuple[str, object]]) -> None:
    seen = History()
    for verb, *args in history:
        seen.do(verb, *args)
    seen.finish()
    for writes in seen.writes:
        for name in {name for _, name in writes}:
            times = [at for at, each in writes if each == name]
            assert all(later - earlier >= 1 - 1e-9 for earlier, later in itertools.pairwise(times))
