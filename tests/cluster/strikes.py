"""Ends leaders, and measures how their successors follow."""

from __future__ import annotations

import signal
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from tests.kit.operator_process import NAMESPACE
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.replicas import Replicas
    from tests.kit.chronicle import Chronicle, Happened
    from tests.kit.operator_process import Operator
    from tests.kit.pebble import Pebble

#: What a chronicle must watch.
COLLECTIONS = {
    "lease": f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases",
    "attempt": f"/api/v1/namespaces/{NAMESPACE}/secrets?labelSelector=certwright.dev%2Fsecret%3Dattempt",
    "table": f"/api/v1/namespaces/{NAMESPACE}/configmaps?labelSelector=certwright.dev%2Ftable",
    "certificate": "/apis/certwright.dev/v1/certificates",
}

#: What is asked of the CA only by whoever leads, beside reading.
CA_EFFECTS = ("new-order", "challenge", "finalize")


class End(Enum):
    """How a leader goes."""

    CRASH = "kill -9"
    RESTART = "kill -9, started again at once"
    LEAVE = "SIGTERM"


@dataclass
class Strikes:
    """Ends leaders and measures how their successors follow.

    Attributes:
        took: seconds until the Lease was another process's, and until it did its first work, by the kind of end.
        open_attempts: how many there were at each strike.
    """

    replicas: Replicas
    chronicle: Chronicle
    pebble: Pebble
    took: dict[End, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    open_attempts: list[int] = field(default_factory=list)

    def strike(self, end: End, meanwhile: Callable[[], None] = lambda: None) -> Operator:
        """End the leader and wait for the successor's first effect.

        Args:
            end: how it goes.
            meanwhile: called as soon as it was told, and makes work: a successor that has nothing to do but to take
                old tokens from the tables does so after five seconds, on purpose, and that is no handover.

        Returns:
            The one that was ended.
        """
        leader = self.replicas.leader()
        former = process_of(self.chronicle.latest("lease"))
        self.open_attempts.append(len(self.chronicle.alive("attempt")))
        mark, began = self.chronicle.mark(), time.monotonic()
        if end is End.LEAVE:
            leader.process.send(signal.SIGTERM)
        else:
            leader.kill()
        if end is End.RESTART:
            leader.begin(wait=False)
        meanwhile()
        taken = self.chronicle.await_first(
            lambda event: event.what == "lease" and process_of(event) not in ("", former),
            "another process to take the Lease",
            mark,
            60,
        )
        worked = self._await_work(taken, mark)
        self.took[end].append((taken.at - began, worked - began))
        if end is End.LEAVE:
            assert leader.process.wait(40) == 0
        return leader

    def _await_work(self, taken: Happened, mark: int) -> float:
        """When whoever took the Lease first did something, at the CA or in the cluster, in monotonic seconds."""
        ca_mark = self.pebble.mark()

        def seen() -> list[float]:
            fresh = self.chronicle.events[mark:]
            done = [each.at for each in fresh if is_effect(each) and each.version > taken.version]
            asked = self.pebble.requests(ca_mark).arrived
            return done[:1] or [time.monotonic() for kind in CA_EFFECTS if asked[kind]]

        return eventually(seen, "the successor's first effect", 60)[0]

    def table(self) -> str:
        """What was measured, a line for each kind of end."""
        lines = [
            f"{'end of the leader':32}{'times':>6}{'Lease taken':>18}{'first effect':>18}   (least, median, most; s)"
        ]
        for end, pairs in self.took.items():
            taken, effect = zip(*pairs, strict=True)
            lines.append(f"{end.value:32}{len(pairs):6}{spread(taken):>18}{spread(effect):>18}")
        return "\n".join(lines)


def spread(seconds: tuple[float, ...]) -> str:
    return f"{min(seconds):.1f}, {statistics.median(seconds):.1f}, {max(seconds):.1f}"


def process_of(lease: Happened) -> str:
    """The random id of the process that has the Lease, "" if nobody has it."""
    annotations = lease.body["metadata"].get("annotations", {})
    return str(annotations.get("certwright.dev/process", ""))


def is_effect(event: Happened) -> bool:
    """Whether only a leading operator does this: users add and delete Certificates, and change nothing."""
    return event.what in ("attempt", "table") or (event.what == "certificate" and event.how == "MODIFIED")
