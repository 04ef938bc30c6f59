"""What a fake CA can do wrong besides the faults of `faults.py`, whose matchers and rules it shares."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from tests.kit.fake_ca_policy import problem_document
from tests.kit.faults import Answer, Delay, DropAnswer, Hang, Reset

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Altered:
    """The CA does what it was asked, and tells it in other words.

    Attributes:
        headers: set, or taken away by "".
        change: of the body.
        status: None leaves it.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    change: Callable[[bytes], bytes] = bytes
    status: int | None = None

    def applied(self, told: Answer) -> Answer:
        """The answer in other words."""
        status = self.status or told.status
        return replace(
            told, status=status, body=self.change(told.body), headers={**told.headers, **self.headers}
        )


@dataclass(frozen=True)
class Drip:
    """The answer comes byte by byte, with so many seconds between two."""

    seconds: float = 1.0


@dataclass(frozen=True)
class Endless:
    """The answer's body begins as it should and never ends."""


@dataclass(frozen=True)
class CutShort:
    """The CA does what it was asked; half of its answer arrives, and a reset."""


CaFault: TypeAlias = Answer | Delay | DropAnswer | Reset | Hang | Altered | Drip | Endless | CutShort


def problem(kind: str, status: int, detail: str = "no", **headers: str) -> Answer:
    """A refusal with an ACME problem document; underscores in the names of headers stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = json.dumps(problem_document(kind, detail)).encode()
    return Answer(status, body, {"content-type": "application/problem+json", **named})


def not_signed_by(*taken: str) -> Answer:
    """A signature is refused for its algorithm; these would be taken (RFC 8555 §6.2)."""
    document = problem_document("badSignatureAlgorithm", "no", algorithms=list(taken))
    return Answer(400, json.dumps(document).encode(), {"content-type": "application/problem+json"})


def new_terms(instance: str, terms: str) -> Answer:
    """A person must agree to changed terms of service (RFC 8555 §7.3.3)."""
    document = problem_document("userActionRequired", "the terms have changed", instance=instance)
    headers = {"content-type": "application/problem+json", "link": f'<{terms}>;rel="terms-of-service"'}
    return Answer(403, json.dumps(document).encode(), headers)


def page(status: int) -> Answer:
    """HTML from something that stands before the CA; it knows of no nonces."""
    body = f"<html><title>{status}</title></html>".encode()
    return Answer(status, body, {"content-type": "text/html", "replay-nonce": ""})


def half(body: bytes) -> bytes:
    """For `Altered`: JSON or PEM that ends too early."""
    return body[: len(body) // 2]


def gzip_bomb(size: int) -> Answer:
    """So many zeros, packed a thousandfold, whatever encodings the client takes."""
    return Answer(200, gzip.compress(bytes(size)), {"content-encoding": "gzip"})
