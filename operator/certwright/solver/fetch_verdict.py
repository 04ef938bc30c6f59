"""What an answer means to a CA, and how to say it without repeating a word of it. Pure.

Bodies and headers are written by strangers, and what we say ends up in statuses that others read: only their class is
told.
"""

from __future__ import annotations

import re

OK = 200
#: The redirects that may be followed (CA/Browser Forum Baseline Requirements §3.2.2.4.19).
REDIRECTS = frozenset({301, 302, 307, 308})
#: Boulder reads so much, and believes no body that is as long.
MOST_BODY = 128
#: What Go's `unicode.IsSpace` knows (Unicode's White_Space): CAs cut it off at the end of the body.
_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
)
_KEY_AUTHORIZATION = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_MARKUP = re.compile(r"<(!doctype|html|head|body|\?xml|!--)", re.IGNORECASE)

_MEANING = {
    303: "CAs follow redirects with 301, 302, 307 and 308 only",
    401: "a login guards the path, and CAs have none",
    403: "an access rule guards the path, and CAs come from anywhere",
    404: "the path does not lead to the solver pods",
    421: "the server does not know this host",
    429: "the server limits how often it is asked",
    502: "a proxy cannot reach what is behind it",
    503: "a proxy has nothing ready behind it",
    504: "a proxy waits in vain for what is behind it",
}


def most_body(key_authorization: str) -> int:
    """How many bytes of a body are worth reading: as many as Boulder does, or more for a longer proof."""
    needed = len(key_authorization)
    return MOST_BODY if needed < MOST_BODY else needed + MOST_BODY


def answer_difference(status: int, body: bytes, key_authorization: str) -> str:
    """How an answer differs from the proof, as what follows an address in a sentence; "" if it is the proof.

    Args:
        status: of an answer that is not followed elsewhere.
        body: no more than the first `most_body` bytes; looked at for status 200 only.
        key_authorization: what is wanted.
    """
    if status != OK:
        meaning = "a redirect to nowhere" if status in REDIRECTS else _MEANING.get(status)
        return f"answered {status}: {meaning}" if meaning else f"answered {status} in place of 200"
    limit = most_body(key_authorization)
    text = body.decode("utf-8", "surrogateescape").rstrip(_SPACE)
    if text == key_authorization and len(body) < limit:
        return ""
    return f"answered 200 {_class_of(text, len(body), limit, key_authorization)}"


def _class_of(text: str, size: int, limit: int, key_authorization: str) -> str:
    token, _, _ = key_authorization.partition(".")
    bare = text.strip(_SPACE)
    if not bare:
        return "with an empty body"
    if bare == key_authorization:
        return "with the right key authorization among too much white space: CAs forgive little of it, at the end"
    if size < limit and _KEY_AUTHORIZATION.fullmatch(bare):
        if bare.startswith(f"{token}."):
            return "with another key authorization for this token: another ACME account's, by its thumbprint"
        return "with what may be the key authorization of another token"
    size_told = f"{size} bytes" if size < limit else f"{limit} bytes or more"
    what = "look like HTML: a website is there" if _MARKUP.match(bare) else "are no key authorization"
    return f"with {size_told} that {what}"
