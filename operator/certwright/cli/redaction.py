"""Values from the cluster without what must not leave it. Pure.

Fields are written because a shape of `bundle_shapes.py` names them. Free text is searched for credentials besides,
since CAs and people write into it what they like.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from certwright.cli.bundle_shapes import KEYS, LENGTH, METADATA, OURS, PLAIN, Shape
from certwright.resources.condition import write_moment
from certwright.resources.json_values import list_of, mapping_of, text_of
from certwright.resources.names import ApiNames

if TYPE_CHECKING:
    from certwright.resources.attempt import Attempt
    from certwright.resources.names import Ref

#: Characters of one text. Twice as many are searched, so that what takes little room when it is left out hides nothing
#: behind it; of a text that was cut the end is dropped, where half a credential may be that nobody would know.
LONGEST_TEXT = 4096
SEARCHED_TEXT = 2 * LONGEST_TEXT
HALF_A_CREDENTIAL = 1024
LEFT_OUT = "(left out)"

#: Each is searched for in order, over line breaks; log lines may have those as the two characters `\n`. Tenants write
#: into these texts, and a log has a MiB: no pattern may look at a run of characters anew from each place in it, hence
#: the lookbehinds.
_CREDENTIALS = (
    re.compile(r"^(?![0-9a-f]+$)[A-Za-z0-9+/]{60,76}={0,2}$", re.MULTILINE),
    # RFC 7515: base64url of an object begins with `eyJ`, in the compact form and in that of JSON.
    re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}"),
    re.compile(r"[\"'](?:protected|payload|signature)[\"'] ?: ?[\"'][^\"']*[\"']"),
    # RFC 8555 §8.1, key authorizations: a token, a dot, and a SHA-256.
    re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{16,}+\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    # RFC 6750 and RFC 7617.
    re.compile(r"(?i)(?<=bearer )[A-Za-z0-9._~+/=-]{8,}|(?<=basic )[A-Za-z0-9+/=]{8,}"),
    # RFC 3986 §3.2.1: user and password of a URL.
    re.compile(r"(?<=://)[^/\s@\"']+(?=@)"),
)
#: RFC 7468: a key, also where its end is missing; the end of one of which the beginning is missing; and a line of it.
_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\Z)", re.DOTALL
)
_END = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY-----")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]++[ \t\r]*+")
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]++(?=@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_OUR_WORDS = (f"{ApiNames().group}/", "app.kubernetes.io/", "helm.sh/chart")


def scrubbed(text: str, *, keep_emails: bool) -> str:
    """A text without what looks like a credential; of addresses the local part is left out."""
    text = _without_ends_of_keys(_KEY.sub(LEFT_OUT, text))
    for credential in _CREDENTIALS:
        text = credential.sub(LEFT_OUT, text)
    return text if keep_emails else _EMAIL.sub("***", text)


def _without_ends_of_keys(text: str) -> str:
    """Each line is looked at once, from the end of the key backwards; a pattern would begin at each of them."""
    parts, done = [], 0
    for end in _END.finditer(text):
        start = end.start()
        while start > done and text[start - 1] == "\n":
            line = max(done, text.rfind("\n", done, start - 1) + 1)
            if not _KEY_LINE.fullmatch(text, line, start - 1):
                break
            start = line
        parts += [text[done:start], LEFT_OUT]
        done = end.end()
    return "".join([*parts, text[done:]])


def in_short(text: str, *, keep_emails: bool) -> str:
    """A text of any length as `scrubbed` leaves it, cut to `LONGEST_TEXT`."""
    left = scrubbed(text[:SEARCHED_TEXT], keep_emails=keep_emails)
    if len(text) > SEARCHED_TEXT:
        left = left[:-HALF_A_CREDENTIAL]
    return left[:LONGEST_TEXT]


def kept(value: Any, shape: Shape, *, keep_emails: bool) -> Any:
    """Of a value from the API server what a shape names; None where it is of another type than the shape says."""
    if isinstance(shape, str):
        return _in_short(value, shape, keep_emails=keep_emails)
    if isinstance(shape, Mapping):
        found = mapping_of(value)
        inside = [(key, inner) for key, inner in shape.items() if key in found]
        return {key: kept(found[key], inner, keep_emails=keep_emails) for key, inner in inside}
    return [kept(each, shape[0], keep_emails=keep_emails) for each in list_of(value)]


def _in_short(value: Any, how: str, *, keep_emails: bool) -> Any:
    if how == LENGTH:
        return f"({len(text_of(value))} characters)"
    if how == KEYS:
        return sorted(map(str, mapping_of(value)))
    if how == OURS:
        ours = [(key, each) for key, each in sorted(mapping_of(value).items()) if key.startswith(_OUR_WORDS)]
        return {key: _in_short(each, PLAIN, keep_emails=keep_emails) for key, each in ours}
    if isinstance(value, str):
        return in_short(value, keep_emails=keep_emails)
    return value if isinstance(value, bool | int | float) else None


def secret_facts(secret: Mapping[str, Any], certificate: Mapping[str, Any] | None) -> dict[str, Any]:
    """A Secret without its values.

    Args:
        secret: as the API server sends it.
        certificate: facts of what is in tls.crt, or None.
    """
    # Of four characters of base64 three are bytes; the size is good to two bytes.
    sizes = {
        str(key): f"{len(text_of(value)) * 3 // 4} bytes"
        for key, value in sorted(mapping_of(secret.get("data")).items())
    }
    described = kept(secret, {"type": PLAIN, "metadata": METADATA}, keep_emails=False)
    return {**described, "data": sizes, "certificate": certificate}


def attempt_facts(attempt: Attempt) -> dict[str, Any]:
    """The journal of an attempt, without the key and without what proves names."""
    wait = attempt.wait
    return {
        "name": attempt.name,
        "certificate": _named(attempt.certificate),
        "issuer": _named(attempt.issuer),
        "directory": attempt.directory_url,
        "account": attempt.account_url,
        "names": list(attempt.names),
        "reason": attempt.reason,
        "number": attempt.number,
        "startedAt": write_moment(attempt.started_at),
        "profile": attempt.wish.profile,
        "replaces": attempt.replaces,
        "order": attempt.order_url,
        "proofs": [
            {
                "name": proof.name,
                "type": proof.type,
                "authorization": proof.authorization_url,
                "challenge": proof.challenge_url,
            }
            for proof in attempt.proofs
        ],
        "wait": wait
        and {"for": wait.stage.value, "since": write_moment(wait.since), "until": write_moment(wait.until)},
    }


def _named(ref: Ref) -> dict[str, str]:
    return {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}
