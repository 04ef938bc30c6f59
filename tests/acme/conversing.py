"""Conversations as tables: what a flow asks when it is answered like this."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from josepy.b64 import b64decode

from certwright.acme.flow import Flow, Request, Response, drive
from certwright.acme.flows import Conversation
from certwright.acme.jws import AccountKey, generate_account_key
from certwright.acme.messages import Directory
from certwright.acme.nonces import NoncePool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

CA = "https://ca.example"
DIRECTORY = Directory(
    url=f"{CA}/dir",
    new_nonce=f"{CA}/new-nonce",
    new_account=f"{CA}/new-account",
    new_order=f"{CA}/new-order",
    renewal_info=f"{CA}/renewal-info",
)
KEY = AccountKey.from_pem(generate_account_key())
ACCOUNT = f"{CA}/account/1"
ORDER = {
    "status": "pending",
    "identifiers": [{"type": "dns", "value": "a.example"}],
    "authorizations": [f"{CA}/authz/1"],
    "finalize": f"{CA}/finalize/1",
}


class Script:
    """A transport that answers from a list and remembers what it was asked."""

    def __init__(self, *answers: Response) -> None:
        self.asked: list[Request] = []
        self._answers = list(answers)

    def __call__(self, request: Request, /) -> Response:
        self.asked.append(request)
        return self._answers.pop(0)

    @property
    def is_over(self) -> bool:
        return not self._answers


def converse(flow: Flow[T], *answers: Response) -> tuple[list[Request], T]:
    """What was asked, and what was learned; every answer must have been needed."""
    script = Script(*answers)
    learned = drive(flow, script)
    assert script.is_over
    return script.asked, learned


def answer(body: object = None, status: int = 200, **headers: str) -> Response:
    """A success with a fresh nonce; underscores in the names of headers stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    encoded = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Response(status, {"replay-nonce": "next", **named}, encoded)


def refusal(kind: str, status: int = 400, detail: str = "no", **headers: str) -> Response:
    """A problem document of an ACME type."""
    body = {"type": f"urn:ietf:params:acme:error:{kind}", "detail": detail}
    return answer(body, status, **{"content_type": "application/problem+json", **headers})


def standing() -> float:
    """A clock for which no time passes."""
    return 0.0


def conversation(
    *nonces: str,
    account: str | None = ACCOUNT,
    directory: Directory = DIRECTORY,
    seconds: Callable[[], float] = standing,
) -> Conversation:
    """One that has these nonces, the newest last."""
    pool = NoncePool(seconds)
    for nonce in nonces:
        pool.keep(nonce)
    return Conversation(directory, pool, KEY, account)


FRESH_NONCE = Response(200, {"replay-nonce": "first"})


class Said(NamedTuple):
    """A signed request, opened."""

    protected: Mapping[str, Any]
    payload: Any


def opened(request: Request) -> Said:
    """What a signed request says; None as payload stands for a POST-as-GET."""
    assert request.body is not None
    message = json.loads(request.body)
    assert set(message) == {"protected", "payload", "signature"}
    payload = b64decode(message["payload"])
    return Said(json.loads(b64decode(message["protected"])), json.loads(payload) if payload else None)


def nonces_used(asked: list[Request]) -> list[str]:
    """The nonces of all signed requests."""
    return [opened(request).protected["nonce"] for request in asked if request.method == "POST"]
