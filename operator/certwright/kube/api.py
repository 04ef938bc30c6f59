"""Verbs of the API server over raw JSON.

The official client brings configuration, authentication and the connection pool; its typed models are left out
because building them costs more than the request on hot paths.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import urllib3
from kubernetes.client import ApiClient, Configuration
from kubernetes.client.exceptions import ApiException

from certwright.failures import NeedsPerson, NotYet, Schedule, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from certwright.kube.pauses import Pauses

Json: TypeAlias = dict[str, Any]

#: Seconds to connect, seconds between two bytes: nothing that we ask takes longer on a healthy server.
TIMEOUT = (5.0, 20.0)
#: Media types of patches (Kubernetes API concepts, "Updates to existing resources").
APPLY, MERGE = "application/apply-patch+yaml", "application/merge-patch+json"
#: Objects a page when a kind is listed; the same as the watch layer's.
PAGE = 500


class AlreadyExists(NotYet):
    """POST found an object of that name."""


class Conflict(NotYet):
    """The object changed (resourceVersion), was replaced (uid), or a field belongs to another manager."""


class KubeApi:
    """GET, LIST, POST, PUT, server-side apply, merge patch and DELETE; every failure is a `Setback`."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        pool_size: int,
        field_manager: str,
        timeout: tuple[float, float] = TIMEOUT,
        permit: Callable[[], None] = lambda: None,
        pauses: Pauses | None = None,
    ) -> None:
        """Make a client with connections of its own.

        Args:
            configuration: of the official client; its pool size and retries are set here.
            pool_size: connections that are kept.
            field_manager: the name we write under.
            timeout: seconds to connect, and seconds between two bytes.
            permit: asked before every verb that writes; what it raises is raised, and nothing is sent.
            pauses: keeps what the server asked for by `Retry-After`; without it only the caller hears of it.
        """
        configuration.connection_pool_maxsize = pool_size
        # One new try on a connection that the server closed while it idled; anything else is the turn's business.
        # Nor are answers repeated: Retry-After belongs to whoever keeps the calendar.
        configuration.retries = urllib3.Retry(
            total=1, connect=1, read=0, redirect=0, status=0, other=0, respect_retry_after_header=False
        )
        self._client = ApiClient(configuration)
        self._field_manager = field_manager
        self._timeout = timeout
        self._permit = permit
        self._pauses = pauses

    def get(self, path: str) -> Json | None:
        """The object at `path`, or None if there is none."""
        return self._ask("GET", path, absent_is_none=True)

    def text(self, path: str, query: Sequence[tuple[str, str]]) -> str:
        """What stands at `path` that is no object, such as a pod's log; `query` has to bound it."""
        what = f"GET {path}"
        response, payload = self._send("GET", path, query, {"Accept": "*/*"}, None)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(what, response, _decoded(payload))
        return payload.decode(errors="replace")

    def pages(
        self, path: str, *, selector: str = "", fields: str = "", metadata_only: bool = False
    ) -> Iterator[list[Json]]:
        """Every object of a collection, a page at a time (Kubernetes API concepts, "Retrieving large results sets").

        Args:
            selector: of labels; `fields`: of fields.
        """
        kind = "application/json"
        if metadata_only:
            kind += ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        following = ""
        while True:
            query = [("limit", str(PAGE))]
            query += [("labelSelector", selector)] if selector else []
            query += [("fieldSelector", fields)] if fields else []
            query += [("continue", following)] if following else []
            answer = cast("Json", self._ask("GET", path, query=query, accept=kind))
            yield answer.get("items") or []
            following = (answer.get("metadata") or {}).get("continue") or ""
            if not following:
                return

    def create(self, path: str, body: Json) -> Json:
        """POST `body`; raises `AlreadyExists`."""
        return cast("Json", self._write("POST", path, body))

    def replace(self, path: str, body: Json) -> Json:
        """PUT `body`, which carries the resourceVersion it was made from; raises `Conflict`."""
        return cast("Json", self._write("PUT", path, body))

    def apply(self, path: str, body: Json, *, force: bool) -> Json:
        """Server-side apply under our field manager; raises `Conflict`."""
        return cast("Json", self._write("PATCH", path, body, [("force", "true")] if force else []))

    def merge(self, path: str, patch: Json, *, dry_run: bool = False) -> Json | None:
        """Change what `patch` names and nothing else (JSON merge patch, RFC 7386); None if there is no such object.

        Args:
            dry_run: have it checked and answered, and nothing changed (Kubernetes API concepts, "Dry-run").
        """
        self._permit()
        query = [("fieldManager", self._field_manager), ("fieldValidation", "Strict")]
        query += [("dryRun", "All")] if dry_run else []
        return self._ask("PATCH", path, query=query, body=patch, patch_type=MERGE, absent_is_none=True)

    def delete(self, path: str, *, uid: str, resource_version: str = "") -> None:
        """DELETE the object with this UID; one that is gone already, or was replaced, is success.

        With a resourceVersion only that very version is deleted; raises `Conflict` where another stands there.
        """
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        self._permit()
        try:
            self._ask("DELETE", path, body=body, absent_is_none=True)
        except Conflict:
            if resource_version:
                raise

    def _write(
        self, method: str, path: str, body: Json, query: Sequence[tuple[str, str]] = ()
    ) -> Json | None:
        self._permit()
        ours = [("fieldManager", self._field_manager), ("fieldValidation", "Strict")]
        return self._ask(method, path, body=body, query=[*ours, *query])

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Json | None = None,
        accept: str = "application/json",
        patch_type: str = APPLY,
        absent_is_none: bool = False,
    ) -> Json | None:
        headers = {"Accept": accept}
        sent: Json | str | None = body
        if method == "PATCH":
            headers["Content-Type"] = patch_type
            # JSON is YAML. The client passes text through as it is, and encodes the other type itself.
            sent = json.dumps(body) if patch_type == APPLY else body
        elif body is not None:
            headers["Content-Type"] = "application/json"
        what = f"{method} {path}"
        response, payload = self._send(method, path, query or [], headers, sent)
        if response.status == HTTPStatus.NOT_FOUND and absent_is_none:
            return None
        answer = _decoded(payload)
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise self._refused(what, response, answer)
        if answer is None:
            raise TryLater(Reason.API_SERVER_UNAVAILABLE.word, f"{what} was answered with something else")
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        headers: Mapping[str, str],
        body: Json | str | None,
    ) -> tuple[Any, bytes]:
        """The response, and what was in it."""
        what = f"{method} {path}"
        if self._pauses:
            self._pauses.check(what)
        try:
            request = self._client.param_serialize(
                method,
                path,
                query_params=list(query),
                header_params=dict(headers),
                body=body,
                auth_settings=["BearerToken"],
            )
            response = self._client.call_api(*request, _request_timeout=self._timeout)
            return response, response.read()  # type: ignore[no-untyped-call]
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            raise TryLater(
                Reason.API_SERVER_UNAVAILABLE.word, f"{what} was not answered: {type(error).__name__}"
            ) from error

    def _refused(
        self, what: str, response: Any, answer: Json | None
    ) -> AlreadyExists | Conflict | TryLater | NeedsPerson:
        wish = _wish(response.headers.get("Retry-After"))
        if self._pauses and wish:
            self._pauses.note(what, wish)
        refused = _refusal(what, response.status, answer or {}, wish)
        refused.http_status = response.status
        return refused


def _decoded(payload: bytes) -> Json | None:
    try:
        answer = json.loads(payload)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _wish(retry_after: str | None) -> timedelta | None:
    """The API server writes seconds; a date is passed over."""
    is_seconds = retry_after is not None and re.fullmatch(r"[0-9]{1,6}", retry_after)
    return timedelta(seconds=int(retry_after)) if retry_after and is_seconds else None


def _refusal(
    what: str, status: int, answer: Mapping[str, Any], wish: timedelta | None
) -> AlreadyExists | Conflict | TryLater | NeedsPerson:
    """What a Status answer means (Kubernetes API conventions, "HTTP Status codes")."""
    text = f"{what}: {answer.get('message') or f'HTTP {status}'}"
    reason = answer.get("reason")
    if reason == "AlreadyExists":
        return AlreadyExists(Reason.CHANGED_MEANWHILE.word, text, look_again_in=timedelta(0))
    # 422 with an immutable uid is how a replaced object answers; 404 is how a vanished one does.
    replaced = status == HTTPStatus.UNPROCESSABLE_ENTITY and "metadata.uid" in str(answer.get("message"))
    vanished = status == HTTPStatus.NOT_FOUND and not what.startswith("POST")
    if status == HTTPStatus.CONFLICT or replaced or vanished:
        return Conflict(Reason.CHANGED_MEANWHILE.word, text, look_again_in=timedelta(0))
    # 404 to a POST: the namespace is gone, or the kind is not there yet.
    # 401: a token that is just replaced, or an API server that cannot check it yet.
    passing = (HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UNAUTHORIZED)
    if status in passing or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return TryLater(
            Reason.API_SERVER_UNAVAILABLE.word, text, schedule=Schedule.TRANSIENT, retry_after=wish
        )
    return NeedsPerson(Reason.FORBIDDEN.word, text)
