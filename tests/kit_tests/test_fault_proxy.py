"""The proxy passes everything on as it is, until it is told to do harm; then it does exactly that, and notes it."""

from __future__ import annotations

import json
import random
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
import requests

from tests.kit import faults
from tests.kit.authority import Authority
from tests.kit.control_plane import ControlPlane, KubectlFailed
from tests.kit.fault_proxy import FaultProxy
from tests.kit.faults import Asked, acme, kube, kube_request, on, refusal
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import LOOPBACK
from tests.kit.waiting import eventually
from tests.kit_tests.acme_by_hand import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.servers

#: The events of a stream, which then stays open.
EVENTS = [b'{"type":"ADDED"}\n', b'{"type":"MODIFIED"}\n', b'{"type":"DELETED"}\n']
#: The path of a stream, a watch.
STREAM = "/apis/x/v1/things?watch=true"


class Upstream(ThreadingHTTPServer):
    """Answers with what it was asked and how often it was asked; remembers what it was asked."""

    daemon_threads = True

    def __init__(self, authority: Authority) -> None:
        super().__init__((LOOPBACK, 0), Handler)
        pair = authority.serving("upstream", LOOPBACK)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.certificate, pair.key)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.asked: list[tuple[str, str, bytes]] = []
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"https://{LOOPBACK}:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Upstream

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.asked.append((self.command, self.path, body))
        if "watch=true" in self.path:
            self._stream()
            return
        number = sum(path == self.path for _, path, _ in self.server.asked)
        answer = {"host": self.headers["Host"], "token": self.headers["Authorization"], "number": number}
        encoded = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(encoded)))
        self.send_header("X-Odd", "as  it is")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(encoded)

    do_POST = do_HEAD = do_GET  # noqa: N815

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in [b"".join(EVENTS)] if "at=once" in self.path else EVENTS:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.server.over.wait(20)

    def log_message(self, *_: object) -> None:
        """`asked` has them all."""


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    server = Upstream(Authority.found(tmp_path / "upstream"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def proxy(tmp_path: Path, upstream: Upstream) -> Iterator[FaultProxy]:
    with FaultProxy.start(tmp_path / "proxy", upstream.url, tmp_path / "upstream" / "ca.pem") as running:
        yield running


@pytest.fixture
def client(proxy: FaultProxy) -> Iterator[Callable[..., requests.Response]]:
    """Asks the proxy on kept connections."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(proxy.ca_file)

        def ask(method: str, path: str, **more: Any) -> requests.Response:
            return session.request(method, proxy.url + path, **{"timeout": 10, **more})

        yield ask


Ask: TypeAlias = "Callable[..., requests.Response]"


def test_requests_and_answers_pass_as_they_are(proxy: FaultProxy, upstream: Upstream, client: Ask) -> None:
    answer = client(
        "POST", "/a?b=c", data=b"body", headers={"Authorization": "Bearer me", "User-Agent": "me/1"}
    )
    assert answer.json() == {"host": proxy.url.removeprefix("https://"), "token": "Bearer me", "number": 1}
    assert answer.headers["X-Odd"] == "as  it is"
    assert client("HEAD", "/a").content == b""
    assert upstream.asked == [("POST", "/a?b=c", b"body"), ("HEAD", "/a", b"")]
    first, second = proxy.seen
    assert first.asked == Asked("POST", "/a?b=c", "me/1", "*/*")
    assert (first.status, first.fault, first.size > len(answer.content)) == (200, None, True)
    assert second.at >= first.at
    assert proxy.requests("POST", r"b=c$") == [first]


def test_a_chunked_request_passes(upstream: Upstream, proxy: FaultProxy, client: Ask) -> None:
    with proxy.rule(on("POST"), faults.Reset()), pytest.raises(requests.ConnectionError):
        client("POST", "/a", data=iter([b"one", b"two"]))
    assert upstream.asked == []
    assert len(proxy.seen) == 1


def test_answers_of_its_own(proxy: FaultProxy, upstream: Upstream, client: Ask) -> None:
    proxy.rule(kube("write", "secrets"), refusal(429, retry_after=7))
    answer = client("POST", "/api/v1/namespaces/n/secrets")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.json()["kind"] == "Status"
    assert answer.json()["reason"] == "TooManyRequests"
    assert client("GET", "/api/v1/namespaces/n/secrets").status_code == 200
    assert [method for method, _, _ in upstream.asked] == ["GET"]


def test_an_answer_is_lost_after_the_server_acted(proxy: FaultProxy, upstream: Upstream, client: Ask) -> None:
    with proxy.rule(on("POST"), faults.DropAnswer()) as rule, pytest.raises(requests.ConnectionError):
        client("POST", "/a", data=b"body")
    assert rule.hits == 1
    assert upstream.asked == [("POST", "/a", b"body")]
    assert client("POST", "/a").json()["number"] == 2
    assert [each.status for each in proxy.seen] == [0, 200]


def test_a_lost_answer_may_leave_the_client_waiting(
    proxy: FaultProxy, upstream: Upstream, client: Ask
) -> None:
    with proxy.rule(on("POST"), faults.DropAnswer(silent=True)), pytest.raises(requests.ReadTimeout):
        client("POST", "/a", timeout=0.3)
    assert [method for method, _, _ in upstream.asked] == ["POST"]


def test_a_request_hangs_for_as_long_as_the_client_waits(
    proxy: FaultProxy, upstream: Upstream, client: Ask
) -> None:
    with proxy.rule(on(), faults.Hang()), pytest.raises(requests.ReadTimeout):
        client("GET", "/a", timeout=0.3)
    assert upstream.asked == []


def test_a_delay_lasts(proxy: FaultProxy, client: Ask) -> None:
    began = time.monotonic()
    with proxy.rule(on(), faults.Delay(0.2, 0.3)):
        assert client("GET", "/a").ok
    assert time.monotonic() - began >= 0.2


def test_a_rule_strikes_when_it_is_told_to(proxy: FaultProxy, client: Ask) -> None:
    proxy.rule(on("GET", "^/a$"), refusal(503), skip=1, times=2)
    assert [client("GET", "/a").status_code for _ in range(5)] == [200, 503, 503, 200, 200]


def test_the_same_seed_throws_the_same_dice(proxy: FaultProxy, client: Ask) -> None:
    dice = random.Random(1)
    expected = [500 if dice.random() < 0.3 else 200 for _ in range(20)]
    with proxy.rule(on(), refusal(500), probability=0.3) as rule:
        assert [client("GET", "/a").status_code for _ in expected] == expected
    assert rule.hits == expected.count(500)


def test_a_server_that_is_gone_refuses_and_resets(proxy: FaultProxy, client: Ask) -> None:
    watch = client("GET", STREAM, stream=True)
    lines = watch.iter_lines()
    assert next(lines) == EVENTS[0].strip()
    with socket.create_connection((LOOPBACK, int(proxy.url.rpartition(":")[2]))) as plain:
        eventually(lambda: len(proxy._connections) == 2, "both connections to be taken")
        proxy.down()
        # Python's TLS cannot tell a reset from an end, so a connection without TLS has to.
        with pytest.raises(ConnectionResetError):  # noqa: PT012
            while plain.recv(100):  # an alert that the handshake failed comes first
                pass
    with pytest.raises(requests.RequestException, match="ended prematurely"):
        list(lines)
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        client("GET", "/a")
    proxy.up()
    assert client("GET", "/a").ok


def test_a_read_can_be_of_the_past(proxy: FaultProxy, client: Ask) -> None:
    client("GET", "/a?x=1")
    photograph = proxy.photograph()
    client("GET", "/a?x=1")
    with proxy.rule(on("GET"), faults.Stale(photograph)):
        assert client("GET", "/a?x=1").json()["number"] == 1
        assert client("GET", "/b").json()["number"] == 1, "what was never asked is answered truly"
        other = client("GET", "/a?x=1", headers={"Accept": "application/json"})
        assert other.json()["number"] == 3, "another representation is another answer"
    assert client("GET", "/a?x=1").json()["number"] == 4


STREAMS: dict[str, tuple[faults.Fault, list[bytes]]] = {
    "cut after events": (faults.CutStream(events=2), EVENTS[:2]),
    "cut after seconds": (faults.CutStream(seconds=0.3), EVENTS),
    "an error event": (faults.ErrorEvent(events=1), [EVENTS[0], faults.ErrorEvent().line()]),
    "an error event at once": (faults.ErrorEvent(500, "InternalError"), []),
}


@pytest.mark.parametrize("path", [STREAM, f"{STREAM}&at=once"], ids=["event by event", "in one chunk"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_ends_as_if_complete(name: str, path: str, proxy: FaultProxy, client: Ask) -> None:
    fault, events = STREAMS[name]
    proxy.rule(kube("watch", "things"), fault)
    lines = [line + b"\n" for line in client("GET", path, stream=True).iter_lines()]
    if name == "an error event at once":
        (line,) = lines
        assert json.loads(line)["object"]["code"] == 500
    else:
        assert lines == events


def test_a_stream_falls_silent(proxy: FaultProxy, client: Ask) -> None:
    proxy.rule(kube("watch"), faults.MuteStream(events=1))
    lines = client("GET", STREAM, stream=True, timeout=0.5).iter_lines(chunk_size=1)
    assert next(lines) == EVENTS[0].strip()
    with pytest.raises(requests.ConnectionError, match="timed out"):
        next(lines)


def test_a_client_that_leaves_a_quiet_stream_is_noticed(proxy: FaultProxy, client: Ask) -> None:
    client("GET", STREAM, stream=True).close()
    eventually(lambda: not proxy._connections, "the connection to end")


def test_something_else_happens_between_deed_and_answer(
    proxy: FaultProxy, upstream: Upstream, client: Ask
) -> None:
    with proxy.rule(on("POST"), faults.Then(proxy.down), times=1), pytest.raises(requests.ConnectionError):
        client("POST", "/a")
    assert len(upstream.asked) == 1
    proxy.up()
    assert client("POST", "/a").ok


REQUESTS = {
    "GET /api/v1/namespaces/n/secrets/s": ("get", "secrets", "s"),
    "GET /api/v1/secrets?limit=500": ("list", "secrets", ""),
    "GET /apis/certwright.dev/v1/certificates?watch=true": ("watch", "certificates", ""),
    "PATCH /apis/certwright.dev/v1/namespaces/n/certificates/c/status": ("patch", "certificates/status", "c"),
    "POST /apis/events.k8s.io/v1/namespaces/n/events?fieldManager=x": ("create", "events", ""),
    "DELETE /api/v1/namespaces/n/secrets/s": ("delete", "secrets", "s"),
    "PUT /apis/coordination.k8s.io/v1/namespaces/n/leases/l": ("update", "leases", "l"),
    "GET /api/v1/namespaces/n": ("get", "namespaces", "n"),
}


@pytest.mark.parametrize("line", REQUESTS)
def test_requests_to_an_api_server_are_understood(line: str) -> None:
    assert kube_request(Asked(*line.split(" "))) == REQUESTS[line]


def test_pebble_sends_its_clients_back_through_the_proxy(tmp_path: Path) -> None:
    settings = PebbleSettings(always_valid=True)
    with (
        Pebble.start(tmp_path / "pebble", settings) as pebble,
        FaultProxy.start(tmp_path / "proxy", pebble.directory_url, pebble.ca_file) as proxy,
        Client(f"{proxy.url}/dir", proxy.ca_file) as client,
    ):
        mark = pebble.mark()
        client.obtain("www.example.org")
        counted = pebble.requests(mark).arrived
        for kind in ("new-order", "authorization", "challenge", "order", "finalize", "certificate"):
            assert len(proxy.matching(acme(kind))) == counted[kind] > 0, kind


@pytest.mark.cluster
def test_kubectl_works_with_a_token_through_the_proxy(tmp_path: Path) -> None:
    with (
        ControlPlane.start(tmp_path / "plane") as plane,
        FaultProxy.start(tmp_path / "proxy", plane.url, plane.ca_file) as proxy,
    ):
        plane.kubectl(
            "create", "clusterrolebinding", "x", "--clusterrole=edit", "--serviceaccount=default:default"
        )
        me = plane.service_account_kubeconfig("default", "default", through=(proxy.url, proxy.ca_file))
        plane.kubectl("create", "configmap", "one", as_user=me)
        proxy.rule(kube("create", "configmaps"), refusal(403))
        with pytest.raises(KubectlFailed, match="Forbidden"):
            plane.kubectl("create", "configmap", "two", as_user=me)
        with proxy.rule(kube("create", "configmaps"), faults.DropAnswer()), pytest.raises(KubectlFailed):
            plane.kubectl("create", "configmap", "three", as_user=me)
        listed = plane.kubectl("get", "configmaps", "--output=name", as_user=me).split()
        assert [name for name in ("one", "two", "three") if f"configmap/{name}" in listed] == ["one", "three"]
        proxy.rule(kube("watch", "configmaps"), faults.CutStream(events=2))
        path = "/api/v1/namespaces/default/configmaps?watch=true&timeoutSeconds=20"
        assert len(plane.kubectl("get", "--raw", path, as_user=me).splitlines()) == 2
