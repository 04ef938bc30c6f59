"""kopf as a doorbell: what it is told to do, and above all what not."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import kopf
import pytest
from kubernetes.client import Configuration

from certwright.handlers.connection import POOL, open_session
from certwright.handlers.watch import Watch
from certwright.resources.names import ApiNames
from tests.kit.waiting import eventually
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certwright.handlers.source import Source


class Told:
    """A Source that remembers."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any, bool]] = []

    def certificate(self, body: Any, *, deleted: bool) -> None:
        self.events.append(("certificate", body, deleted))

    def issuer(self, body: Any, *, deleted: bool) -> None:
        self.events.append(("issuer", body, deleted))

    def secret(self, body: Any, *, deleted: bool) -> None:
        self.events.append(("secret", body, deleted))

    def ingress(self, body: Any, *, deleted: bool) -> None:
        self.events.append(("ingress", body, deleted))


def watch(told: Told | None = None, url: str = "http://127.0.0.1:1") -> Watch:
    return Watch(
        source=cast("Source", told or Told()),
        names=ApiNames(),
        configuration=Configuration(host=url),
        token=lambda: None,
        dice=lambda: 0.5,
        seconds=lambda: 1.0,
    )


def test_nothing_is_written_into_objects_and_no_log_line_becomes_an_event() -> None:
    settings = watch()._settings()
    assert (settings.posting.enabled, settings.posting.loggers) == (False, False)
    assert settings.scanning.disabled
    secret = kopf.Body(cast("Any", {"metadata": {"name": "x"}, "data": {"tls.key": "marker"}}))
    diffs, progress = settings.persistence.diffbase_storage, settings.persistence.progress_storage
    assert diffs.build(body=secret) == {}
    assert diffs.fetch(body=secret) is None
    patch = kopf.Patch()
    diffs.store(body=secret, patch=patch, essence=cast("Any", {}))
    progress.touch(body=secret, patch=patch, value="x")
    progress.purge(key=cast("Any", "x"), body=secret, patch=patch)
    assert dict(patch) == {}


def test_only_secrets_with_our_label_are_watched_and_attempts_are_not() -> None:
    selectors = watch()._settings().watching.label_selectors
    assert selectors["", "v1", "secrets"] == "certwright.dev/secret in (target,account,credential)"


def test_kopf_never_gives_up_and_its_pauses_are_bounded() -> None:
    backoffs = watch()._settings().networking.error_backoffs
    for _ in range(2):
        pauses = list(islice(iter(cast("Any", backoffs)), 50))
        assert pauses[0] == 0.5
        assert max(pauses) == 15.0


def test_there_are_event_handlers_only() -> None:
    registry = watch()._registry()
    handlers = registry._watching.get_all_handlers()
    assert {handler.id for handler in handlers} == {
        "certificate-seen",
        "issuer-seen",
        "clusterissuer-seen",
        "secret-seen",
        "ingress-seen",
    }
    assert not list(registry._changing.get_all_handlers())
    assert not list(registry._spawning.get_all_handlers())
    assert not list(registry._indexing.get_all_handlers())
    assert not list(kopf.get_default_registry()._watching.get_all_handlers())


def test_each_event_goes_to_its_reader_with_the_whole_object() -> None:
    told = Told()
    watching = watch(told)
    registry = watching._registry()
    for handler in registry._watching.get_all_handlers():
        for kind in ("ADDED", None, "DELETED"):
            cast("Any", handler.fn)(event={"type": kind, "object": {"by": handler.id}}, body=None)
    assert [name for name, _, _ in told.events] == [
        *["certificate"] * 3,
        *["issuer"] * 6,
        *["secret"] * 3,
        *["ingress"] * 3,
    ]
    assert [deleted for _, _, deleted in told.events] == [False, False, True] * 5


def test_the_session_is_bounded_keeps_no_cookies_and_reads_the_token_for_each_request(
    server: ScriptedServer,
) -> None:
    tokens = iter(["Bearer one", "Bearer two"])

    async def ask_twice() -> int | None:
        made = open_session(Configuration(host=server.url), lambda: next(tokens))
        session = made.aiohttp_session
        for _ in range(2):
            async with session.get(f"{server.url}/version") as answer:
                await answer.read()
        limit = session.connector.limit if session.connector else None
        await session.close()
        return limit

    server.script(Answer(200, {}, {"Set-Cookie": "a=b"}), Answer(200, {}))
    assert asyncio.run(ask_twice()) == POOL
    assert [asked.headers["authorization"] for asked in server.asked] == ["Bearer one", "Bearer two"]
    assert "cookie" not in server.asked[1].headers


def test_a_watch_that_is_stopped_before_it_began_ends_at_once() -> None:
    watching = watch()
    watching._stopping.set()
    watching.start()
    watching.stop(5)
    assert not watching._thread.is_alive()


def test_kopf_is_started_again_when_it_exits(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It does so by design when the API server answers 410, whatever is asked."""
    server.script(*[refusal(410, "Gone", "gone")] * 400)
    watching = watch(url=server.url)
    watching.start()
    try:
        eventually(lambda: "it is started again" in caplog.text, "kopf to exit", 30)
        asked = len(server.asked)
        eventually(lambda: len(server.asked) > asked, "kopf to ask again", 30)
        assert watching.alive
    finally:
        watching.stop(10)
    assert not watching.alive


#: What is served, by path of group and version.
SERVED = {
    "/api/v1": ("secrets", "namespaces", "events"),
    "/apis/certwright.dev/v1": ("certificates", "issuers", "clusterissuers"),
    "/apis/networking.k8s.io/v1": ("ingresses",),
}


class ClosedServer:
    """Discovery, and lists that are empty but for one Certificate; everything of Ingresses is refused."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                script.asked[path] += 1
                code, body = answered(path, watches="watch=true" in query)
                with suppress(ConnectionError):  # who asked may be gone
                    self.send_response(code)
                    self.send_header("Content-Type", "application/json")
                    self.end_headers()
                    self.wfile.write(b"" if body is None else json.dumps(body).encode())

            def log_message(self, *_: object) -> None:
                """Tests look at what was asked."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def answered(path: str, *, watches: bool) -> tuple[int, Any]:
    if path == "/api":
        return 200, {"versions": ["v1"]}
    if path == "/apis":
        groups = [each.split("/")[2] for each in SERVED if each.startswith("/apis/")]
        version = {"version": "v1"}
        return 200, {
            "groups": [{"name": each, "preferredVersion": version, "versions": [version]} for each in groups]
        }
    if path in SERVED:
        return 200, {"resources": [kind(plural) for plural in SERVED[path]]}
    if path.endswith("/ingresses"):
        return 403, {
            "kind": "Status",
            "code": 403,
            "reason": "Forbidden",
            "message": "ingresses is forbidden",
        }
    if watches:
        time.sleep(0.2)  # the stream ends, and nothing happened
        return 200, None
    items = [{"metadata": {"name": "web"}}] if path.endswith("/certificates") else []
    return 200, {"items": items, "metadata": {"resourceVersion": "1"}}


def kind(plural: str) -> dict[str, Any]:
    whole = plural in ("namespaces", "clusterissuers")
    return {
        "name": plural,
        "singularName": plural,
        "kind": plural,
        "namespaced": not whole,
        "verbs": ["list", "watch"],
    }


@pytest.fixture
def closed() -> Iterator[ClosedServer]:
    server = ClosedServer()
    yield server
    server.stop()


def test_a_role_without_ingresses_blinds_us_for_nothing_else(
    closed: ClosedServer, caplog: pytest.LogCaptureFixture
) -> None:
    """What is refused is asked for again and again, since kopf's pauses have no end; it does not end for it."""
    told = Told()
    watching = watch(told, closed.url)
    watching.start()
    try:
        ingresses = "/apis/networking.k8s.io/v1/ingresses"
        eventually(lambda: closed.asked[ingresses] > 2, "Ingresses to be asked for in vain", 30)
        eventually(lambda: told.events, "the Certificate to be shown", 30)
        assert closed.asked["/apis"] == 1, "it did not begin anew"
        assert "it is started again" not in caplog.text
    finally:
        watching.stop(10)
    assert [name for name, _, _ in told.events] == ["certificate"]
