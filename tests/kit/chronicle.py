"""Everything that happens to some collections, with the time at which it was seen: watches, which miss nothing."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from tests.kit.binaries import locate
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.kit.control_plane import ControlPlane


@dataclass(frozen=True)
class Happened:
    """One event of a watch.

    Attributes:
        at: when it was seen, in monotonic seconds; some milliseconds after it was.
        what: the collection, as the chronicle's maker calls it.
        how: ADDED, MODIFIED or DELETED (Kubernetes API concepts, "Efficient detection of changes").
        version: resourceVersion: etcd's revision, so it orders the events of all collections.
        body: the object.
    """

    at: float
    what: str
    how: str
    version: int
    body: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the object."""
        return str(self.body["metadata"]["name"])


@dataclass
class Chronicle:
    """Running watches; `start` makes one, `stop` or leaving a `with` block ends it."""

    events: list[Happened] = field(default_factory=list)
    _watches: list[subprocess.Popen[str]] = field(default_factory=list, repr=False)

    @classmethod
    def start(cls, plane: ControlPlane, collections: Mapping[str, str]) -> Self:
        """Begin to watch.

        Args:
            plane: whose API server.
            collections: paths below the API server's URL, with label selectors if need be, by what to call them.
        """
        chronicle = cls()
        for what, path in collections.items():
            listed = json.loads(plane.kubectl("get", "--raw", path))
            since = listed["metadata"]["resourceVersion"]
            url = f"{path}{'&' if '?' in path else '?'}watch=true&resourceVersion={since}"
            command: list[str | Path] = [
                locate().kubectl,
                f"--kubeconfig={plane.kubeconfig()}",
                "get",
                "--raw",
                url,
            ]
            watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            chronicle._watches.append(watch)
            threading.Thread(target=chronicle._read, args=(what, watch), daemon=True).start()
        return chronicle

    def stop(self) -> None:
        """End all watches."""
        for watch in self._watches:
            watch.kill()
            watch.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def mark(self) -> int:
        """This moment, for `await_first`."""
        return len(self.events)

    def await_first(
        self, matches: Callable[[Happened], bool], what: str, since: int, timeout: float
    ) -> Happened:
        """Wait for the first event since the mark that matches."""
        return eventually(lambda: list(filter(matches, self.events[since:])), what, timeout)[0]

    def latest(self, what: str) -> Happened:
        """The newest event of a collection; waits for the first."""
        return eventually(lambda: [each for each in self.events if each.what == what], f"a {what}")[-1]

    def alive(self, what: str) -> dict[str, dict[str, Any]]:
        """The objects of a collection that were seen and not seen to go, by name."""
        alive: dict[str, dict[str, Any]] = {}
        for event in [each for each in self.events if each.what == what]:
            if event.how == "DELETED":
                alive.pop(event.name, None)
            else:
                alive[event.name] = event.body
        return alive

    def _read(self, what: str, watch: subprocess.Popen[str]) -> None:
        assert watch.stdout
        with watch.stdout as lines:
            for line in lines:
                event = json.loads(line)
                body = event["object"]
                version = int(body["metadata"]["resourceVersion"])
                self.events.append(Happened(time.monotonic(), what, event["type"], version, body))
