"""Whatever a CA answers: nothing but our setbacks, clean and bounded values, no secrets, no work without end."""

from __future__ import annotations

import base64
import textwrap

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from certwright.acme import reading
from certwright.acme.flow import Response
from certwright.acme.headers import MOST_LINKS, links_of
from certwright.pki.chain import origin_flaw
from certwright.pki.keys import generate_key, public_key_sha256
from tests.acme.conversing import CA, ORDER, answer
from tests.acme.hostile_documents import ANY_BODY, DOCUMENTS, HEADERS, RESPONSES, bodies
from tests.acme.hostility import FLOWS, READERS, check_chain, check_flow, check_reading
from tests.pki.issuing import NOW, found, issue

#: Of each kind, in the usual profile; the profile "long" and `make fuzz` are for more.
FEW = settings(max_examples=max(25, settings().max_examples if settings().max_examples > 60 else 0))


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_good_documents_are_read(kind: str) -> None:
    """Else what follows would change documents that nobody takes anyhow."""
    assert check_reading(kind, answer(DOCUMENTS[kind])) is not None


@pytest.mark.parametrize("kind", DOCUMENTS)
@FEW
@given(data=st.data(), headers=HEADERS)
def test_no_document_gets_more_than_a_setback_or_a_clean_value_out_of_its_reader(
    kind: str, data: st.DataObject, headers: dict[str, str]
) -> None:
    check_reading(kind, Response(200, headers, data.draw(bodies(kind))))


@FEW
@given(body=ANY_BODY, headers=HEADERS)
def test_no_answer_of_another_kind_does_either(body: bytes, headers: dict[str, str]) -> None:
    for name in READERS:
        check_reading(name, Response(200, headers, body))


@pytest.mark.parametrize("flow", FLOWS)
@FEW
@given(answers=st.lists(RESPONSES, min_size=1, max_size=4))
def test_no_conversation_ends_in_anything_else(flow: str, answers: list[Response]) -> None:
    check_flow(flow, answers)


# What these found, one by one


def test_links_with_unseen_characters_fall_away() -> None:
    header = f'<\u202e{CA}/x>;rel="alternate", <{CA}/dir>;rel="index", <{CA}/y>;rel="in\u2066dex"'
    assert links_of(Response(200, {"link": header})) == {"index": (f"{CA}/dir",)}


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("<a>;rel=b," * 500_000, id="many links"),
        pytest.param('<a>;rel="' + "b " * 2_000_000 + '"', id="many relations of one"),
        pytest.param(('<a>;rel="' + "b " * 1000 + '",') * 2000, id="both"),
        pytest.param("<a>;" + "rel  " * 500_000, id="relations without a value"),
    ],
)
def test_headers_of_megabytes_are_read_no_further_than_anybody_needs(header: str) -> None:
    """Each link was added to a tuple of all before it, so 700,000 of them took hours."""
    assert sum(map(len, links_of(Response(200, {"link": header})).values())) <= MOST_LINKS**2


def test_lists_are_read_no_further_than_anybody_needs() -> None:
    many = 50_000
    name = {"type": "dns", "value": "a.example"}
    order = reading.read_order(answer({**ORDER, "identifiers": [name] * many}), f"{CA}/order/1")
    account = reading.read_account(answer({"contact": ["mailto:a@b"] * many}), f"{CA}/account")
    problem = reading.read_problem(answer({"type": "compound", "subproblems": [{}] * many}, 400))
    authorization = reading.read_authorization(
        answer({"identifier": name, "challenges": [DOCUMENTS["challenge"]] * many}), f"{CA}/authorization"
    )
    lists = (order.identifiers, account.contact, problem.subproblems, authorization.challenges)
    assert [len(each) for each in lists] == [reading.MOST_ENTRIES] * 4


@pytest.mark.parametrize("status", [0, -404, 10**30, 600])
def test_a_status_that_is_none_is_not_kept(status: int) -> None:
    assert reading.read_problem(answer({"type": "dns", "status": status}, 400)).status is None


@pytest.mark.parametrize("part", ["issuer", "subject"])
@pytest.mark.parametrize("last", [0, 1])
def test_a_last_certificate_whose_names_cannot_be_read_is_no_crash(part: str, last: int) -> None:
    """It is trusted to have signed the one before; nobody had looked at its own issuer until then."""
    whole = [each.public_bytes(Encoding.DER) for each in (LEAF, MIDDLE.certificate)]
    word = {"issuer": b"Root", "subject": b"Intermediate"}[part] if last else b"Intermediate"
    position = whole[last].index(word) - 2
    broken = whole[last][:position] + b"\x00" + whole[last][position + 1 :]
    assert not judged(*whole[:last], broken) or part == "issuer"
    origin_flaw("".join(map(pem, [broken, *whole[1:]])).encode())


# Chains

KEY = generate_key("ECDSA")
NAMES = ["a.example", "*.a.example"]
ROOT = found("Root")
MIDDLE = found("Intermediate", ROOT)
LEAF = issue(KEY, NAMES, MIDDLE)
PARTS = [LEAF, MIDDLE.certificate, ROOT.certificate]


def pem(der: bytes) -> str:
    lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def judged(*ders: bytes) -> bool:
    return check_chain("".join(map(pem, ders)), key=public_key_sha256(KEY), names=NAMES, now=NOW)


def test_a_good_chain_is_accepted() -> None:
    assert judged(*(each.public_bytes(Encoding.DER) for each in PARTS))


# Of oddities that it will refuse one day, such as a serial number of 0, cryptography only warns.
@pytest.mark.filterwarnings("default::cryptography.utils.CryptographyDeprecationWarning")
@given(
    which=st.integers(0, 2),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3),
    length=st.integers(2, 3),
)
def test_no_change_of_a_certificate_gets_anything_but_a_setback(
    which: int, changes: list[tuple[int, int]], length: int
) -> None:
    ders = [bytearray(each.public_bytes(Encoding.DER)) for each in PARTS]
    for position, byte in changes:
        ders[which][position % len(ders[which])] = byte
    judged(*map(bytes, ders[:length]))
    origin_flaw("".join(pem(bytes(each)) for each in ders[:length]).encode())


@given(st.text(st.characters()) | st.binary().map(pem))
def test_no_text_is_taken_for_a_chain(text: str) -> None:
    assert not check_chain(text, key=public_key_sha256(KEY), names=NAMES, now=NOW)
