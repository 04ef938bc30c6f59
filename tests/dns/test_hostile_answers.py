"""Whatever a name server sends, a look-up ends in a value or a setback, never in an exception of ours."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certwright.dns import answers
from certwright.dns.exchange import SilenceError, ask
from certwright.dns.provider import TxtRecord
from certwright.dns.views import read_view
from tests.kit.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = dns.name.from_text("_acme-challenge.example.test")
QUERY = dns.message.make_query(NAME, dns.rdatatype.TXT)

names = st.sampled_from([NAME, NAME.parent(), dns.name.root, dns.name.from_text("other.test")])
rrsets = st.one_of(
    st.builds(lambda owner, to: dns.rrset.from_text(owner, 60, "IN", "CNAME", to.to_text()), names, names),
    st.builds(lambda owner, to: dns.rrset.from_text(owner, 60, "IN", "NS", to.to_text()), names, names),
    st.builds(lambda owner: dns.rrset.from_text(owner, 60, "IN", "SOA", "a. b. 1 2 3 4 5"), names),
    st.builds(lambda owner: dns.rrset.from_text(owner, 60, "CH", "TXT", "chaos"), names),
    st.builds(lambda owner: dns.rrset.from_text(owner, 60, "IN", "TYPE65280", r"\# 2 ffff"), names),
    st.builds(
        lambda owner, text: dns.rrset.from_text(owner, 60, "IN", "TXT", text), names, st.just(r'"\255" ""')
    ),
    st.builds(lambda owner: dns.rrset.RRset(owner, dns.rdataclass.IN, dns.rdatatype.SOA), names),
)


@st.composite
def messages(draw: st.DrawFn) -> dns.message.Message:
    """A well-formed answer with records of any kind in any section, in any order."""
    response = dns.message.make_response(QUERY)
    response.flags = dns.flags.Flag(draw(st.integers(0, 0xFFFF)) | dns.flags.QR)
    response.set_rcode(dns.rcode.Rcode(draw(st.integers(0, 4000))))
    for section in (response.answer, response.authority, response.additional):
        section.extend(draw(st.lists(rrsets, max_size=6)))
    return response


@given(response=messages())
def test_any_records_in_any_section_are_read_without_a_fault(response: dns.message.Message) -> None:
    for name in (NAME, NAME.parent()):
        assert isinstance(answers.texts(response, name), frozenset)
        assert isinstance(answers.addresses(response, name), tuple)
        assert isinstance(answers.servers(response, name), tuple)
        assert isinstance(answers.is_apex(response, name), bool)
        answers.alias(response, name)
        answers.chain_end(response, name)
    answers.referral(response)
    read_view(response, TxtRecord("_acme-challenge.example.test", "proof"))


@pytest.mark.parametrize("section", ["authority", "additional"])
def test_what_stands_outside_the_answer_is_no_answer(section: str) -> None:
    response = dns.message.make_response(QUERY)
    getattr(response, section).extend(
        [
            dns.rrset.from_text(NAME, 60, "IN", "SOA", "a. b. 1 2 3 4 5"),
            dns.rrset.from_text(NAME, 60, "IN", "TXT", "proof"),
        ]
    )
    assert not answers.is_apex(response, NAME)
    assert answers.texts(response, NAME) == frozenset()


def test_an_answer_about_another_name_is_no_answer() -> None:
    response = dns.message.make_response(QUERY)
    response.answer.append(dns.rrset.from_text("other.test.", 60, "IN", "TXT", "proof"))
    assert answers.texts(response, NAME) == frozenset()


def test_a_circle_of_cnames_within_an_answer_ends() -> None:
    response = dns.message.make_response(QUERY)
    response.answer.append(dns.rrset.from_text(NAME, 60, "IN", "CNAME", "other.test."))
    response.answer.append(dns.rrset.from_text("other.test.", 60, "IN", "CNAME", NAME.to_text()))
    assert answers.texts(response, NAME) == frozenset()


class RawServer:
    """Answers each datagram with the id of the question and then with whatever it was told to say."""

    def __init__(self) -> None:
        self.rest = b""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((LOOPBACK, 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        question, asker = self._socket.recvfrom(0xFFFF)
        while question:
            self._socket.sendto(question[:2] + self.rest, asker)
            question, asker = self._socket.recvfrom(0xFFFF)

    def stop(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (LOOPBACK, self.port))
        self._thread.join()
        self._socket.close()


@pytest.fixture(scope="module")
def raw_server() -> Iterator[RawServer]:
    server = RawServer()
    yield server
    server.stop()


GOOD_ANSWER = dns.message.make_response(QUERY)
GOOD_ANSWER.answer.append(dns.rrset.from_text(NAME, 60, "IN", "TXT", "proof"))
WIRE = GOOD_ANSWER.to_wire()[2:]
broken_wires = st.one_of(
    st.binary(max_size=600),
    st.binary(max_size=60).map(lambda tail: WIRE[:10] + tail),
    st.tuples(st.integers(0, len(WIRE) - 1), st.integers(1, 255)).map(
        lambda change: WIRE[: change[0]] + bytes([WIRE[change[0]] ^ change[1]]) + WIRE[change[0] + 1 :]
    ),
    st.integers(0, len(WIRE)).map(lambda end: WIRE[:end]),
)


@pytest.mark.servers
@settings(deadline=None, max_examples=60)
@given(rest=broken_wires)
def test_any_bytes_are_an_answer_or_silence(raw_server: RawServer, rest: bytes) -> None:
    raw_server.rest = rest
    brief = timedelta(milliseconds=15)  # a broken datagram is passed over until this is up
    with suppress(SilenceError):
        response = ask(LOOPBACK, raw_server.port, NAME, dns.rdatatype.TXT, recursive=True, timeout=brief)
        assert isinstance(answers.texts(response, NAME), frozenset)
