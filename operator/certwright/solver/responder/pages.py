"""What the health port says: `/healthz`, `/readyz`, `/served` and `/metrics`."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from certwright.solver.responder.answers import WRONG_METHOD, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from prometheus_client import CollectorRegistry

    from certwright.solver.responder.requests import Request

_NO_PAGE = Answer(HTTPStatus.NOT_FOUND, b"not found\n")


class Pages:
    """Answers by path; a query is passed over, as kubelet and people add some.

    Args:
        alive, ready: empty if all is well, else what is wrong.
        served: the resourceVersion of each table that is answered by.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        alive: Callable[[], str],
        ready: Callable[[], str],
        served: Callable[[], Mapping[str, str]],
    ) -> None:
        self._pages: dict[str, Callable[[], Answer]] = {
            "/healthz": lambda: _verdict(alive()),
            "/readyz": lambda: _verdict(ready()),
            "/served": lambda: Answer(
                HTTPStatus.OK, json.dumps({"tables": dict(served())}).encode(), "application/json"
            ),
            "/metrics": lambda: Answer(HTTPStatus.OK, generate_latest(registry), CONTENT_TYPE_LATEST),
        }

    def answer(self, request: Request) -> Answer:
        """The page, 404 if there is none."""
        if request.method not in ("GET", "HEAD"):
            return WRONG_METHOD
        page = self._pages.get(request.path.partition("?")[0])
        return page() if page else _NO_PAGE


def _verdict(wrong: str) -> Answer:
    status = HTTPStatus.SERVICE_UNAVAILABLE if wrong else HTTPStatus.OK
    return Answer(status, f"{wrong or 'ok'}\n".encode())
