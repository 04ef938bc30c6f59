"""LIST and WATCH of token tables: ConfigMaps with our label in one namespace (Kubernetes API concepts)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import urllib3
from kubernetes.client import ApiClient
from kubernetes.client.exceptions import ApiException

from certwright.failures import TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubernetes.client import Configuration

    from certwright.resources.names import ApiNames

Json: TypeAlias = dict[str, Any]

#: Tables a page. One may have a megabyte, and pages are all that a list costs in memory.
PAGE = 4
#: Seconds to connect, seconds between two bytes.
TIMEOUT = (5.0, 20.0)
#: Seconds after which the server ends a watch, so that the next one may go to another server.
WATCH_SECONDS = 30
#: Later than the server should have ended it.
SILENCE = 40.0
#: Bytes of one event: a ConfigMap has at most 1 MiB of data, which JSON may make longer.
LONGEST_LINE = 4 * 1024 * 1024
READ = 64 * 1024


class Page(NamedTuple):
    """Some of the tables; `version` is that of the whole list."""

    tables: list[Json]
    version: str


class KubeTableWatch:
    """Fits `solver.responder.watching.TableSource`. For one thread.

    Args:
        configuration: of the official client; its pool size and retries are set here.
        silence: seconds without a byte after which a watch is taken for dead.
    """

    def __init__(
        self, configuration: Configuration, names: ApiNames, namespace: str, *, silence: float = SILENCE
    ) -> None:
        configuration.connection_pool_maxsize = 1
        # Whoever watches begins again by itself, with pauses.
        configuration.retries = urllib3.Retry(total=False)
        self._client = ApiClient(configuration)
        self._silence = silence
        self._path = f"/api/v1/namespaces/{namespace}/configmaps"
        self._selector = ("labelSelector", f"{names.table_label}={names.tokens}")

    def pages(self) -> Iterator[Page]:
        """All tables, a few at a time.

        Without a resourceVersion in the question the answer is as new as the store ("Most Recent"), whichever of
        several API servers is asked.
        """
        following = ""
        while True:
            query = [("limit", str(PAGE)), *([("continue", following)] if following else [])]
            answer = self._json(b"".join(self._ask(query, TIMEOUT)))
            metadata = answer.get("metadata") or {}
            yield Page(answer.get("items") or [], str(metadata.get("resourceVersion", "")))
            following = metadata.get("continue") or ""
            if not following:
                return

    def changes(self, since: str) -> Iterator[tuple[str, Json]]:
        """Type and object of each event after `since`; ends when the server ends it.

        Raises:
            TryLater: it was cut, fell silent, or the server does not remember `since` (410).
        """
        query = [
            ("watch", "true"),
            ("resourceVersion", since),
            ("allowWatchBookmarks", "true"),
            ("timeoutSeconds", str(WATCH_SECONDS)),
        ]
        for line in _lines(self._ask(query, (TIMEOUT[0], self._silence))):
            event = self._json(line)
            kind, body = event.get("type"), event.get("object")
            if not isinstance(kind, str) or not isinstance(body, dict) or kind == "ERROR":
                raise _trouble(_told(body if isinstance(body, dict) else {}, "an event that is none"))
            yield kind, body

    def _ask(self, query: list[tuple[str, str]], timeout: tuple[float, float]) -> Iterator[bytes]:
        """The body of a 200, as it comes."""
        try:
            request = self._client.param_serialize(
                "GET",
                self._path,
                query_params=[self._selector, *query],
                header_params={"Accept": "application/json"},
                auth_settings=["BearerToken"],
            )
            response = self._client.call_api(*request, _request_timeout=timeout)
            raw: urllib3.HTTPResponse = response.response
            try:
                if response.status != HTTPStatus.OK:
                    raise _trouble(_refused(response.status, raw.read(READ)))
                yield from raw.stream(READ)
                raw.release_conn()
            finally:
                raw.close()
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise _trouble(f"the API server did not answer, or no longer: {type(error).__name__}") from error

    def _json(self, text: bytes) -> Json:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise _trouble("the API server answered with something else")
        return found


def _lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines. One that was cut could be an event that nobody would send again."""
    rest: list[bytes] = []
    size = 0
    for piece in pieces:
        first, *others = piece.split(b"\n")
        rest.append(first)
        size += len(first)
        if size > LONGEST_LINE:
            raise _trouble("the API server sent an event without end")
        for other in others:
            if line := b"".join(rest):
                yield line
            rest, size = [other], len(other)
    if any(rest):
        raise _trouble("the API server ended in the middle of an event")


def _refused(status: int, payload: bytes) -> str:
    try:
        answer = json.loads(payload)
    except ValueError:
        answer = None
    return _told(answer if isinstance(answer, dict) else {}, f"HTTP {status}")


def _told(status: Json, otherwise: str) -> str:
    """What a Status object says."""
    return f"the API server refused: {status.get('message') or otherwise}"


def _trouble(why: str) -> TryLater:
    return TryLater(Reason.API_SERVER_UNAVAILABLE.word, f"token tables: {why}")
