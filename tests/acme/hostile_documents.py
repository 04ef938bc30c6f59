"""Answers that a hostile CA may think of, for hypothesis: good ones that were changed a little, and rubbish."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from certwright.acme.flow import Response
from tests.acme.conversing import CA, ORDER
from tests.acme.hostility import MARKER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hypothesis.strategies import SearchStrategy

PROBLEM: Mapping[str, Any] = {
    "type": "urn:ietf:params:acme:error:rateLimited",
    "detail": "too many",
    "status": 429,
    "instance": f"{CA}/terms",
    "subproblems": [
        {
            "type": "urn:ietf:params:acme:error:dns",
            "detail": "no such name",
            "identifier": {"type": "dns", "value": "a.example"},
        }
    ],
}
CHALLENGE: Mapping[str, Any] = {
    "type": "dns-01", "url": f"{CA}/challenge/1", "status": "pending", "token": "abc-_1", "error": PROBLEM
}  # fmt: skip
#: One good answer of each kind, with every field that we know.
DOCUMENTS: Mapping[str, Mapping[str, Any]] = {
    "directory": {
        "newNonce": f"{CA}/n",
        "newAccount": f"{CA}/a",
        "newOrder": f"{CA}/o",
        "renewalInfo": f"{CA}/r",
        "meta": {
            "termsOfService": f"{CA}/terms",
            "caaIdentities": ["ca.example"],
            "externalAccountRequired": True,
            "profiles": {"classic": "as ever"},
        },
    },
    "account": {"status": "valid", "contact": ["mailto:a@a.example"], "termsOfServiceAgreed": True},
    "order": {
        **ORDER,
        "certificate": f"{CA}/certificate/1",
        "error": PROBLEM,
        "expires": "2026-12-01T00:00:00Z",
        "replaces": "a.b",
    },
    "authorization": {
        "identifier": {"type": "dns", "value": "*.a.example"},
        "status": "pending",
        "wildcard": True,
        "challenges": [CHALLENGE],
        "expires": "2026-12-01T00:00:00Z",
    },
    "challenge": CHALLENGE,
    "renewal information": {
        "suggestedWindow": {"start": "2026-11-24T12:00:00Z", "end": "2026-11-25T12:00:00Z"},
        "explanationURL": f"{CA}/why",
    },
    "problem": PROBLEM,
}

_TRICKS = [
    "", " ", "\u202e\u2066right to left", "\x1b[31mred\x00\x7f", "\u2028\u2029\x85", "\ufeff", "\ud800",
    "\U000e0041", "e\u0301" * 900, "x" * 5000, "http://plain.example/", "https://", "https://[", "https://a:99999/", "https://u@h/",
    "https://h/\r\nX: y", "javascript:alert(1)", "urn:ietf:params:acme:error:", "urn:ietf:params:acme:error:badNonce",
    "9999-99-99T99:99:99Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", MARKER,
]  # fmt: skip
_NUMBERS = [0, -1, 10**30, -(10**400), 1e308, float("nan"), float("inf"), True]
_DEEP: Any = 0
for _ in range(300):
    _DEEP = [_DEEP]
_ODD = st.one_of(
    st.none(),
    st.sampled_from(_TRICKS),
    st.sampled_from(_NUMBERS),
    st.text(st.characters(), max_size=40),
    st.sampled_from([[], {}, [[]], [None], [MARKER] * 300, {"a": MARKER}, _DEEP, [{}] * 600]),
)


def _places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    return [path, *(place for key, value in inner for place in _places(value, (*path, key)))]


def _changed(document: Any, path: tuple[Any, ...], change: tuple[str, Any]) -> Any:
    """A copy in which what stands at `path` is replaced, missing, or has a neighbour."""
    how, odd = change
    if not path:
        return [document] if how == "wrap" else odd if how == "replace" else document
    key, rest = path[0], path[1:]
    pairs = dict(document) if isinstance(document, dict) else dict(enumerate(document))
    if rest or how == "wrap":
        pairs[key] = _changed(pairs[key], rest, change)
    elif how == "drop":
        del pairs[key]
    else:
        pairs[key] = [pairs[key]] * 300 if how == "repeat" else odd
    pairs |= {"surprise": odd} if how == "add" and isinstance(document, dict) else {}
    return pairs if isinstance(document, dict) else list(pairs.values())


@st.composite
def documents(draw: st.DrawFn, kind: str) -> Any:
    """A good document of this kind with up to four changes."""
    document: Any = DOCUMENTS[kind]
    for _ in range(draw(st.integers(0, 4))):
        how = draw(st.sampled_from(["replace", "drop", "wrap", "repeat", "add"]))
        document = _changed(document, draw(st.sampled_from(_places(document)[:60])), (how, draw(_ODD)))
    return document


def _raw(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "surrogatepass")


_ENCODINGS: list[Callable[[Any], bytes]] = [
    # NaN, Infinity and half surrogate pairs come out as Python writes them, which is no JSON at all.
    lambda document: json.dumps(document).encode(),
    _raw,
    lambda document: b"\xef\xbb\xbf" + _raw(document),
    lambda document: json.dumps(document).encode("utf-16"),
    lambda document: _raw(document)[:-1],
    lambda document: _raw(document) * 2,
    lambda document: _raw(document) + b"\xff",
]


def _spliced(raw: bytes, position: int, piece: bytes) -> bytes:
    position %= len(raw) or 1
    return raw[:position] + piece + raw[position + len(piece) :]


def bodies(kind: str) -> SearchStrategy[bytes]:
    """Bodies of one kind, or rubbish."""
    whole = st.builds(lambda document, encode: encode(document), documents(kind), st.sampled_from(_ENCODINGS))
    spliced = st.builds(_spliced, documents(kind).map(_raw), st.integers(0, 2000), st.binary(max_size=4))
    return whole | spliced | st.binary() | st.just(b"<html>" + MARKER.encode() + b"</html>")


_HEADER_TEXT = st.text(st.characters(max_codepoint=255), max_size=60)
_DATES = ["Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 99 Nov 99999 12:00:00 +9999", "0", MARKER]
HEADERS: SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
    {},
    optional={
        "replay-nonce": st.sampled_from(["abc", "", "a b", "x" * 5000]) | _HEADER_TEXT,
        "location": st.sampled_from(
            [f"{CA}/1", "", "http://plain.example/", "/relative", "https://" + "x" * 3000]
        )
        | _HEADER_TEXT,
        "retry-after": st.sampled_from(["5", "-5", "1e9", "9" * 5000, "\u0663", *_DATES]) | _HEADER_TEXT,
        "date": st.sampled_from(_DATES) | _HEADER_TEXT,
        "link": st.sampled_from(
            [f'<{CA}/dir>;rel="index"', "<\u202e>;rel=alternate", '<a>;rel="' + "b " * 3000 + '"', "<" * 5000]
        )
        | _HEADER_TEXT,
        "content-type": st.sampled_from(["application/problem+json", "text/html", MARKER]) | _HEADER_TEXT,
    },
)
KINDS = st.sampled_from(sorted(DOCUMENTS))
STATUSES = st.sampled_from([200, 200, 200, 201, 204, 400, 401, 403, 404, 429, 500, 503]) | st.integers(0, 999)
ANY_BODY = KINDS.flatmap(bodies)
#: Mostly with a nonce, so that conversations get on.
RESPONSES: SearchStrategy[Response] = st.builds(
    lambda status, headers, body: Response(
        status, {"replay-nonce": "abc", "location": f"{CA}/1", **headers}, body
    ),
    STATUSES,
    HEADERS,
    ANY_BODY,
)
