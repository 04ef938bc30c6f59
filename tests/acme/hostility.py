"""What must hold whatever a CA answers: the properties that test_hostile_answers.py and `make fuzz` share.

Nothing but our own setbacks leaves the room. What passes into our values is clean and bounded text. A sentence for
people quotes a problem document at most, and no secret. No answer makes us ask without end.
"""

from __future__ import annotations

import unicodedata
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

from certwright.acme import reading
from certwright.acme.flow import Request, drive
from certwright.acme.flows import NONCE_TRIES, Conversation, fetch_directory, fetch_renewal_info
from certwright.acme.headers import LONGEST_WAIT, links_of, nonce_of, retry_after_of
from certwright.acme.nonces import NoncePool
from certwright.acme.refusals import Refused
from certwright.failures import Setback
from certwright.pki.chain import verify_answer
from tests.acme.conversing import ACCOUNT, CA, DIRECTORY, KEY, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from certwright.acme.flow import Flow, Response

#: Stands in bodies that are no problem documents; no sentence may have it.
MARKER = "MARKER"
LONGEST_TEXT = 2048
LONGEST_SENTENCE = 1500
MOST_VALUES = 3000
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_PRIVATE = str(KEY._key.private_numbers().private_value)  # type: ignore[union-attr]
_URL = f"{CA}/it"


def conversation(account: str | None = ACCOUNT) -> Conversation:
    """One that begins anew."""
    return Conversation(DIRECTORY, NoncePool(standing), KEY, account)


READERS: Mapping[str, Callable[[Response], object]] = {
    "directory": lambda answer: reading.read_directory(answer, _URL),
    "account": lambda answer: reading.read_account(answer, _URL),
    "order": lambda answer: reading.read_order(answer, _URL),
    "authorization": lambda answer: reading.read_authorization(answer, _URL),
    "challenge": reading.read_challenge,
    "renewal information": reading.read_renewal_info,
    "problem": reading.read_problem,
    "links": links_of,
    "nonce": nonce_of,
    "wait": retry_after_of,
}

FLOWS: Mapping[str, Callable[[], Flow[Any]]] = {
    "fetch_directory": lambda: fetch_directory(DIRECTORY.url),
    "fetch_renewal_info": lambda: fetch_renewal_info(DIRECTORY, "a.b"),
    "find_account": lambda: conversation(None).find_account(),
    "register": lambda: conversation(None).register(("mailto:a@b",), terms_agreed=True, eab={"payload": "x"}),
    "update_contact": lambda: conversation().update_contact(()),
    "new_order": lambda: conversation().new_order(["a.example"], replaces="a.b"),
    "fetch_order": lambda: conversation().fetch_order(_URL),
    "fetch_authorization": lambda: conversation().fetch_authorization(_URL),
    "answer_challenge": lambda: conversation().answer_challenge(_URL),
    "finalize": lambda: conversation().finalize(_URL, _URL, b"csr"),
    "download": lambda: conversation().download(_URL),
}


def check_reading(name: str, answer: Response) -> object:
    """Read `answer`; the value, or None where it was refused as it should be."""
    try:
        value = READERS[name](answer)
    except Setback as setback:
        check_setback(setback, unsaid=MARKER)
        return None
    check_value(value)
    return value


def check_flow(name: str, answers: Sequence[Response]) -> object:
    """Drive a flow that is answered with these, over and over."""
    asked: list[Request] = []

    def carry(request: Request, /) -> Response:
        asked.append(request)
        assert len(asked) <= 2 * NONCE_TRIES
        assert request.url.startswith(f"{CA}/"), "only what is known to be good is asked"
        return answers[(len(asked) - 1) % len(answers)]

    try:
        value = drive(FLOWS[name](), carry)
    except Setback as setback:
        check_setback(setback)
        return None
    if name != "download":
        check_value(value)
    return value


def check_chain(
    chain: str, *, key: str, names: Sequence[str], now: datetime = datetime(2026, 11, 24, tzinfo=UTC)
) -> bool:
    """Whether a chain was accepted as the answer for this key and these names."""
    try:
        accepted = verify_answer(chain, public_key_sha256=key, dns_names=names, now=now)
    except Setback as setback:
        check_setback(setback)
        return False
    assert accepted.leaf.public_key_sha256 == key
    assert accepted.leaf.dns_names == frozenset(names)
    return True


def check_setback(setback: Setback, unsaid: str = _PRIVATE) -> None:
    """One of the three kinds, with a sentence that can be shown."""
    assert type(setback) not in {Setback, Refused}
    assert setback.reason.isalpha()
    for text in (setback.message, setback.identifier, setback.problem_type):
        assert len(text) <= LONGEST_SENTENCE
        assert is_clean(text), ascii(text)
        assert _PRIVATE not in text
        assert unsaid not in text
    if isinstance(setback, Refused):
        check_value(setback.problem)
    wait = getattr(setback, "retry_after", None) or getattr(setback, "look_again_in", None)
    assert wait is None or wait <= LONGEST_WAIT


def check_value(value: object) -> None:
    """Everything within is clean and bounded."""
    count = 0
    for each in _leaves(value):
        count += 1
        if isinstance(each, str):
            assert len(each) <= LONGEST_TEXT
            assert is_clean(each), ascii(each)
        elif isinstance(each, int):
            assert abs(each) < 2**31
    assert count <= MOST_VALUES


def is_clean(text: str) -> bool:
    """Whether nothing in it moves, hides or breaks what stands around it."""
    if text.isascii():
        return text.isprintable()
    return not any(unicodedata.category(character) in _UNSEEN for character in text)


def _leaves(value: object) -> Iterator[object]:
    if is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name))
    elif isinstance(value, dict):
        for pair in value.items():
            yield from _leaves(pair)
    elif isinstance(value, tuple):
        for each in value:
            yield from _leaves(each)
    elif not isinstance(value, Enum):
        yield value
