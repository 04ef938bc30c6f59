"""An HTTP server on loopback that answers from a list, for what an API server says and what it never should."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from kubernetes.client import Configuration

from certwright.kube.api import KubeApi

if TYPE_CHECKING:
    from certwright.kube.pauses import Pauses


class Asked(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    """What is said; `body` is sent as JSON unless it is bytes. Without `status` the connection is cut."""

    status: int | None = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def refusal(code: int, reason: str, message: str, **headers: str) -> Answer:
    """A Status object (Kubernetes API conventions, "Response Status Kind")."""
    status = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}
    return Answer(code, status, {name.replace("_", "-"): value for name, value in headers.items()})


class ScriptedServer:
    """Answers in order; `asked` keeps what came."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Answer] = []
        script = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body leave in two pieces, and the second would wait 40 ms for the first to be acknowledged.
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                url = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                raw = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(raw) if raw else None
                script.asked.append(Asked(self.command, url.path, dict(parse_qsl(url.query)), headers, body))
                answer = script.answers.pop(0)
                if answer.status is None:
                    self.close_connection = True
                    return
                payload = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(payload)))
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  the base class calls them so

            def log_message(self, *_: object) -> None:
                """Tests say what was asked."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def api(self, pauses: Pauses | None = None) -> KubeApi:
        """A client of this server, with a token."""
        configuration = Configuration(
            host=self.url, api_key={"authorization": "token"}, api_key_prefix={"authorization": "Bearer"}
        )
        return KubeApi(configuration, pool_size=4, field_manager="certwright", pauses=pauses)

    def script(self, *answers: Answer) -> None:
        """What is said next; everything before must have been asked for."""
        assert not self.answers
        self.answers = list(answers)
        self.asked.clear()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
