"""LIST and WATCH of token tables, over real HTTP against servers that do what no API server should."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from kubernetes.client import Configuration

from certwright.failures import TryLater
from certwright.kube.table_watch import LONGEST_LINE, PAGE, WATCH_SECONDS, KubeTableWatch
from certwright.resources.names import ApiNames
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a watch's server does: sends bytes, waits until the test goes on, or ends the connection.
Act: TypeAlias = "bytes | threading.Event"

PATH = "/api/v1/namespaces/certwright/configmaps"
END = b"0\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def watch_of(url: str, silence: float = 20.0) -> KubeTableWatch:
    configuration = Configuration(
        host=url, api_key={"authorization": "token"}, api_key_prefix={"authorization": "Bearer"}
    )
    return KubeTableWatch(configuration, ApiNames(), "certwright", silence=silence)


def table(name: str, version: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": version}, "data": {"rows": ""}}


def event(kind: str, body: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "object": body}).encode() + b"\n"


def listed(*tables: dict[str, Any], version: str, more: str = "") -> Answer:
    return Answer(body={"metadata": {"resourceVersion": version, "continue": more}, "items": list(tables)})


# LIST


def test_tables_are_listed_by_label_in_one_namespace_a_few_at_a_time(server: ScriptedServer) -> None:
    one, other = table("a", "3"), table("b", "4")
    server.script(listed(one, version="9", more="next"), listed(other, version="9"))
    assert list(watch_of(server.url).pages()) == [([one], "9"), ([other], "9")]
    first, second = server.asked
    selector = {"labelSelector": "certwright.dev/table=tokens", "limit": str(PAGE)}
    assert (first.method, first.path, first.query) == ("GET", PATH, selector)
    assert second.query == selector | {"continue": "next"}
    assert first.headers["authorization"] == "Bearer token"


def test_an_empty_namespace_has_a_version_to_watch_from(server: ScriptedServer) -> None:
    server.script(Answer(body={"metadata": {"resourceVersion": "9"}, "items": None}))
    assert list(watch_of(server.url).pages()) == [([], "9")]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (refusal(403, "Forbidden", "configmaps is forbidden"), "configmaps is forbidden"),
        (refusal(410, "Expired", "The provided continue parameter is too old"), "too old"),
        (refusal(429, "TooManyRequests", "too many", Retry_After="1"), "too many"),
        (Answer(503, b"<html>"), "HTTP 503"),
        (Answer(200, b"<html>"), "something else"),
        (Answer(200, b"[]"), "something else"),
        (Answer(None), "did not answer"),
    ],
)
def test_whatever_else_it_is_told_it_says_so_and_may_try_again(
    server: ScriptedServer, answer: Answer, told: str
) -> None:
    server.script(answer)
    with pytest.raises(TryLater, match=told):
        list(watch_of(server.url).pages())
    assert len(server.asked) == 1, "whoever watches has pauses of its own"
    server.script(answer)
    with pytest.raises(TryLater):
        list(watch_of(server.url).changes("9"))


# WATCH


def test_it_watches_from_a_version_on_with_bookmarks_for_a_bounded_time(server: ScriptedServer) -> None:
    lines = event("ADDED", table("a", "10")) + event("BOOKMARK", table("", "11"))
    server.script(Answer(body=lines))
    assert list(watch_of(server.url).changes("9")) == [
        ("ADDED", table("a", "10")),
        ("BOOKMARK", table("", "11")),
    ]
    assert server.asked[0].query == {
        "labelSelector": "certwright.dev/table=tokens",
        "watch": "true",
        "resourceVersion": "9",
        "allowWatchBookmarks": "true",
        "timeoutSeconds": str(WATCH_SECONDS),
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            event("ERROR", {"code": 410, "message": "too old resource version: 9 (20)"}),
            "too old resource version",
        ),
        (b"{}\n", "an event that is none"),
        (b'{"type": "ADDED"}\n', "an event that is none"),
        (b'{"type": "ADDED", "object": {\n', "something else"),
    ],
)
def test_an_event_that_is_none_ends_the_watch(server: ScriptedServer, line: bytes, told: str) -> None:
    server.script(Answer(body=event("ADDED", table("a", "10")) + line))
    changes = watch_of(server.url).changes("9")
    assert next(changes)[0] == "ADDED"
    with pytest.raises(TryLater, match=told):
        next(changes)


class WatchServer:
    """Serves one watch in pieces."""

    def __init__(self, *acts: Act) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._acts = acts
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        connection, _ = self._listening.accept()
        with connection, self._listening, contextlib.suppress(ConnectionError):
            connection.recv(65536)
            for act in (HEAD, *self._acts):
                if isinstance(act, bytes):
                    connection.sendall(act)
                else:
                    act.wait(10)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_an_event_is_there_as_soon_as_its_line_is_complete(go_on: threading.Event) -> None:
    first, second = event("ADDED", table("a", "10")), event("MODIFIED", table("a", "11"))
    server = WatchServer(chunk(first), chunk(second[:20]), go_on, chunk(second[20:]), END)
    changes = watch_of(server.url).changes("9")
    assert next(changes) == ("ADDED", table("a", "10"))
    go_on.set()
    assert list(changes) == [("MODIFIED", table("a", "11"))]


@pytest.mark.parametrize("cut", [b"", chunk(b'{"type": "ADD'), b"ff\r\nabc", chunk(b'{"type": "ADD') + END])
def test_a_watch_that_is_cut_is_no_watch_that_ended(cut: bytes) -> None:
    server = WatchServer(chunk(event("ADDED", table("a", "10"))), cut)
    changes = watch_of(server.url).changes("9")
    assert next(changes)[0] == "ADDED"
    with pytest.raises(TryLater, match=r"no longer|in the middle"):
        next(changes)


def test_a_silent_watch_is_taken_for_dead(go_on: threading.Event) -> None:
    server = WatchServer(chunk(event("ADDED", table("a", "10"))), go_on)
    changes = watch_of(server.url, silence=0.2).changes("9")
    assert next(changes)[0] == "ADDED"
    with pytest.raises(TryLater, match="no longer: ReadTimeoutError"):
        next(changes)


def test_an_event_without_end_is_not_kept() -> None:
    server = WatchServer(*[chunk(b"x" * 1024 * 1024)] * (LONGEST_LINE // 1024 // 1024 + 2))
    with pytest.raises(TryLater, match="without end"):
        next(watch_of(server.url).changes("9"))


def test_whoever_stops_listening_leaves_no_connection_behind(go_on: threading.Event) -> None:
    server = WatchServer(chunk(event("ADDED", table("a", "10"))), go_on, *[chunk(b"x" * 65536)] * 1000)
    changes = watch_of(server.url).changes("9")
    next(changes)
    changes.close()  # type: ignore[attr-defined]
    go_on.set()
    server.thread.join(10)
    assert not server.thread.is_alive(), "the server writes into a connection that nobody closed"
