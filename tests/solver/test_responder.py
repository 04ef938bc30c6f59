"""What the responder says to bytes, without a socket: requests, answers, conversations."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.solver.responder.answers import Answer, Dates, answer_bytes, challenge_answer
from certwright.solver.responder.conversation import (
    HEAD_SECONDS,
    IDLE_SECONDS,
    MOST_OUT,
    Conversation,
    House,
)
from certwright.solver.responder.requests import MOST_HEAD, Request, read_head

HOST, TOKEN, VALUE = "a.example.test", "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0", "LoqXc.9jg46WB3rR_AHD"
ROWS = {(HOST, TOKEN): VALUE, ("2001:db8::1", TOKEN): "of.ipv6", ("192.0.2.1", TOKEN): "of.ipv4"}
PATH = f"/.well-known/acme-challenge/{TOKEN}"
DATE = b"Tue, 24 Nov 2026 12:00:00 GMT"
GET = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
#: Everything that may be answered to bytes that nobody foresaw.
STATUSES = {200, 400, 404, 405, 408, 431, 505}


class Said(NamedTuple):
    status: int
    fields: dict[str, str]
    body: str


def parse(out: bytes, *, heads: bool = False) -> list[Said]:
    """Answers as a client reads them: by their Content-Length, with nothing between or after them."""
    found = []
    while out:
        head, end, rest = out.partition(b"\r\n\r\n")
        assert end, out
        line, *lines = head.decode("ascii").split("\r\n")
        assert re.fullmatch(r"HTTP/1\.1 [2-5]\d\d [A-Za-z -]+", line), line
        fields = dict(each.split(": ", 1) for each in lines)
        length = 0 if heads else int(fields["Content-Length"])
        found.append(Said(int(line.split()[1]), fields, rest[:length].decode("ascii")))
        assert len(rest) >= length
        out = rest[length:]
    return found


class Talk:
    """A conversation at a time that tests set."""

    def __init__(self) -> None:
        self.counted: list[int] = []
        self.house = House(
            lambda request: challenge_answer(request, lambda host, token: ROWS.get((host, token))),
            lambda: DATE,
            lambda status: self.counted.append(int(status)),
        )
        self.now = 100.0
        self.talk = Conversation(self.house, self.now)

    def hear(self, data: bytes) -> bytes:
        self.talk.receive(data, self.now)
        out = b""
        while more := self.talk.next_bytes(self.now):
            out += more
        return out

    def expire(self) -> bytes:
        self.now = self.talk.deadline
        return self.talk.expire(self.now)


def say(data: bytes | str, *, heads: bool = False) -> list[Said]:
    return parse(Talk().hear(data.encode("latin-1") if isinstance(data, str) else data), heads=heads)


def ask(
    path: str = PATH, host: str = HOST, method: str = "GET", version: str = "1.1", more: str = ""
) -> Said:
    (said,) = say(f"{method} {path} HTTP/{version}\r\nHost: {host}\r\n{more}\r\n", heads=method == "HEAD")
    return said


# The row that is asked for


def test_the_answer_is_the_key_authorization_to_the_byte() -> None:
    said = ask()
    assert (said.status, said.body) == (200, VALUE)
    assert said.fields == {
        "Date": DATE.decode(),
        "Content-Type": "application/octet-stream",
        "Content-Length": str(len(VALUE)),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }


def test_head_is_answered_like_get_without_the_body() -> None:
    said = ask(method="HEAD")
    assert said.status == 200
    assert said.fields == ask().fields
    assert ask("/", method="HEAD").fields == ask("/").fields


@pytest.mark.parametrize(
    ("host", "value"),
    [
        ("a.example.test", VALUE),
        ("A.EXAMPLE.test", VALUE),
        ("a.example.test:80", VALUE),
        ("a.example.test:", VALUE),
        ("a.example.test.", VALUE),
        ("a.example.test.:8080", VALUE),
        ("  a.example.test\t", VALUE),
        ("[2001:db8::1]", "of.ipv6"),
        ("[2001:DB8:0::0001]:80", "of.ipv6"),
        ("192.0.2.1:80", "of.ipv4"),
    ],
)
def test_the_host_is_compared_without_case_port_and_trailing_dot(host: str, value: str) -> None:
    assert ask(host=host).body == value


@pytest.mark.parametrize(
    "host",
    [
        "b.example.test",
        "example.test",
        "x.a.example.test",
        "a.example.test..",
        "",
        "2001",
        "[2001:db8::2]",
        "%61.example.test",
    ],
)
def test_another_host_has_no_such_token(host: str) -> None:
    assert ask(host=host).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge",
        f"/{PATH}",
        f"{PATH}/",
        f"{PATH}?",
        f"{PATH}?a=b",
        f"{PATH}#x",
        f"{PATH};a=b",
        f"{PATH}%00",
        f"{PATH}x",
        PATH[:-1],
        PATH.lower(),
        PATH.replace("/.well", "/%2ewell"),
        PATH.replace("/.well", "//.well"),
        PATH.replace("acme-challenge/", "acme-challenge//"),
        PATH.replace("acme-challenge/", "acme-challenge/../acme-challenge/"),
        PATH.replace("acme-challenge/", "acme-challenge/./"),
        PATH.replace("acme-challenge/", "acme-challenge%2f"),
        PATH.replace("acme-challenge/", "ACME-challenge/"),
        PATH.replace("L", "%4c", 1),
        PATH.replace("/", "\\"),
        f"/x/..{PATH}",
        f"https://{HOST}{PATH}",
        f"ftp://{HOST}{PATH}",
        f"http:/{HOST}{PATH}",
        f"http://{HOST}/{PATH}",
        f"http://{HOST}",
        "*",
        "/" + "A" * 2000,
        "/.well-known/acme-challenge/" + "A" * 2000,
    ],
)
def test_any_other_path_is_not_found_and_all_are_told_the_same(path: str) -> None:
    said = ask(path)
    assert said.status == 404
    assert said == ask("/")


def test_an_absolute_target_names_the_host_whatever_the_field_says() -> None:
    """RFC 9112 §3.2.2: the Host field is ignored then."""
    assert ask(f"http://{HOST}{PATH}", host="b.example.test").body == VALUE
    assert ask(f"HTTP://A.example.test:80{PATH}", host="b.example.test").body == VALUE
    assert ask(f"http://b.example.test{PATH}", host=HOST).status == 404
    assert ask(f"http://someone@{HOST}{PATH}").status == 400
    assert ask(f"http://{PATH}").status == 400


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "BREW"]
)
def test_other_methods_are_told_the_right_ones(method: str) -> None:
    said = ask(method=method)
    assert (said.status, said.fields["Allow"], said.fields["Connection"]) == (405, "GET, HEAD", "close")


@given(st.binary(max_size=300))
def test_nothing_of_a_request_comes_back(data: bytes) -> None:
    """Two requests with the same verdict are answered alike, so the answer holds nothing of them."""
    bodies = {said.body for said in say(data)}
    assert bodies <= {each.body for each in map(answer_to, STATUSES - {200})}


def answer_to(status: int) -> Said:
    """The body that each status always has."""
    examples = {
        400: "x\r\n\r\n",
        404: f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        405: f"POST / HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        431: "x" * (MOST_HEAD + 1),
        505: "GET / HTTP/2.0\r\n\r\n",
    }
    if status == 408:
        late = Talk()
        late.hear(b"x")
        return parse(late.expire())[0]
    (said,) = say(examples[status])
    assert said.status == status
    return said


# What is no request


@pytest.mark.parametrize(
    "data",
    [
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        f"GET {PATH}\r\nHost: {HOST}\r\n\r\n",
        f"GET  {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"GET {PATH} HTTP/1.1 \r\nHost: {HOST}\r\n\r\n",
        f" GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"GET {PATH} http/1.1\r\nHost: {HOST}\r\n\r\n",
        f"GET {PATH} HTTP/1.10\r\nHost: {HOST}\r\n\r\n",
        f"GET {PATH}\xe4 HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nHost: {HOST}\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}, b.example.test:x\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: a b\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}/x\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: x@{HOST}\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: 2001:db8::1\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: [2001:db8::1\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: [:::]\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost : {HOST}\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n folded\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nA: \x00\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nA: b\nC: d\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nA: b\rC: d\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nnothing\r\n\r\n",
        f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n: nothing\r\n\r\n",
    ],
)
def test_what_two_readers_could_read_differently_is_refused_and_the_connection_closed(data: str) -> None:
    (said,) = say(data + GET.decode())
    assert (said.status, said.fields["Connection"]) == (400, "close")


def test_other_versions_of_http_are_refused() -> None:
    assert [said.status for said in say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")] == [505]
    assert [said.status for said in say(b"GET / HTTP/0.9\r\n\r\n")] == [505]


def test_a_head_may_have_eight_kibibytes_and_no_more() -> None:
    def padded(size: int) -> bytes:
        head = f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nA: "
        return f"{head:x<{size}}\r\n\r\n".encode()

    assert [said.status for said in say(padded(MOST_HEAD))] == [200]
    assert [said.status for said in say(padded(MOST_HEAD + 1))] == [431]
    assert [said.status for said in say(b"G" * (MOST_HEAD + 1))] == [431]
    assert say(b"G" * MOST_HEAD) == []


# Connections


def test_a_connection_stays_open_with_http_1_1_and_closes_on_demand() -> None:
    talk = Talk()
    assert [said.status for said in parse(talk.hear(GET) + talk.hear(GET))] == [200, 200]
    assert not talk.talk.closing
    for wish in ("close", "Close", "x, close", "keep-alive, CLOSE"):
        assert ask(more=f"Connection: {wish}\r\n").fields["Connection"] == "close"


def test_with_http_1_0_it_closes_unless_it_is_asked_not_to() -> None:
    old = Talk()
    (said,) = parse(old.hear(GET.replace(b"1.1", b"1.0")))
    assert (said.status, said.body, said.fields["Connection"], old.talk.closing) == (
        200,
        VALUE,
        "close",
        True,
    )
    assert ask(version="1.0", more="Connection: Keep-Alive\r\n").fields["Connection"] == "keep-alive"


def test_http_1_0_may_name_no_host_and_finds_nothing_then() -> None:
    assert [said.status for said in say(f"GET {PATH} HTTP/1.0\r\n\r\n")] == [404]
    assert [said.body for said in say(f"GET http://{HOST}{PATH} HTTP/1.0\r\n\r\n")] == [VALUE]


@pytest.mark.parametrize(
    "more",
    ["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\nContent-Length: 5\r\n"],
)
def test_a_body_is_not_read_and_never_taken_for_a_request(more: str) -> None:
    said = say(f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n{more}\r\n".encode() + GET)
    assert [(each.status, each.fields["Connection"]) for each in said] == [(200, "close")]


def test_an_empty_body_is_none() -> None:
    assert "Connection" not in ask(more="Content-Length: 0\r\n").fields


def test_requests_that_come_together_are_answered_in_their_order() -> None:
    lost = GET.replace(TOKEN.encode(), b"lost")
    said = say(GET + lost + b"\r\n\r\n" + GET + b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + GET)
    assert [each.status for each in said] == [200, 404, 200, 405]


def test_a_request_may_come_in_any_pieces() -> None:
    talk = Talk()
    assert [talk.hear(GET[at : at + 1]) for at in range(len(GET) - 1)] == [b""] * (len(GET) - 1)
    assert [said.body for said in parse(talk.hear(GET[-1:]))] == [VALUE]


def test_answers_to_many_requests_leave_in_portions() -> None:
    """While a client does not read, no more of its requests are answered, and memory stays bounded."""
    talk = Talk()
    talk.talk.receive(GET * 500, talk.now)
    portion = talk.talk.next_bytes(talk.now)
    assert MOST_OUT <= len(portion) < MOST_OUT + 1024
    assert len(parse(portion + talk.hear(b""))) == 500


def test_when_the_program_is_leaving_every_answer_closes_its_connection() -> None:
    talk = Talk()
    talk.house.leaving = True
    (said,) = parse(talk.hear(GET))
    assert (said.body, said.fields["Connection"]) == (VALUE, "close")


def test_every_answer_is_counted() -> None:
    talk = Talk()
    talk.hear(GET + b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + b"junk\r\n\r\n")
    late = Talk()
    late.hear(b"GET")
    late.expire()
    assert (talk.counted, late.counted) == ([200, 404, 400], [408])


# Time


def test_a_request_that_is_sent_a_byte_now_and_then_is_ended_in_time() -> None:
    talk = Talk()
    talk.now += 3
    begun = talk.now
    for byte in GET[:20]:
        talk.hear(bytes([byte]))
        talk.now += 0.2
    assert talk.talk.deadline == begun + HEAD_SECONDS
    (said,) = parse(talk.expire())
    assert (said.status, said.fields["Connection"], talk.talk.closing) == (408, "close", True)
    assert talk.hear(GET) == b""


def test_a_silent_connection_is_ended_without_a_word() -> None:
    talk = Talk()
    assert talk.talk.deadline == talk.now + IDLE_SECONDS
    talk.now += 7
    talk.hear(GET)
    assert talk.talk.deadline == talk.now + IDLE_SECONDS
    assert (talk.expire(), talk.talk.closing) == (b"", True)


def test_empty_lines_do_not_keep_a_connection_open() -> None:
    talk = Talk()
    ends = talk.talk.deadline
    for _ in range(10):
        talk.now += 1
        talk.hear(b"\r\n\r\n")
    assert talk.talk.deadline == ends


# Whatever comes

pieces = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [
            GET,
            GET[:30],
            GET[30:],
            b"\r\n",
            b"\r\n\r\n",
            b"HEAD " + GET[4:],
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
            GET.replace(b"1.1", b"1.0"),
            b"GET http://[::1]/ HTTP/1.1\r\nHost: [::ffff:1.2.3.4]\r\n\r\n",
            b"A: " + b" " * 9000,
            b"Connection: close\r\n",
            b"\xff" * 3000,
        ]
    ),
)


@given(st.lists(st.one_of(pieces, st.floats(0, 20)), max_size=30))
def test_no_bytes_at_no_time_make_it_raise_or_keep_more_than_a_head(script: list[bytes | float]) -> None:
    talk = Talk()
    for step in script:
        if isinstance(step, float):
            talk.now += step
            if talk.talk.deadline <= talk.now and not talk.talk.closing:
                talk.talk.expire(talk.now)
        else:
            talk.hear(step)
        assert talk.talk.unread_bytes <= MOST_HEAD
        assert talk.talk.closing or talk.talk.deadline <= talk.now + IDLE_SECONDS
    assert set(talk.counted) <= STATUSES


@given(st.binary(max_size=200), st.integers(1, 20))
def test_how_bytes_are_cut_changes_no_answer(data: bytes, size: int) -> None:
    whole, cut = Talk(), Talk()
    data = GET + data + GET
    out = b"".join(cut.hear(data[at : at + size]) for at in range(0, len(data), size))
    assert out == whole.hear(data)


@given(st.binary(max_size=400))
def test_a_head_is_read_or_refused(head: bytes) -> None:
    seen = read_head(head)
    assert isinstance(seen, Request) or seen in (
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.HTTP_VERSION_NOT_SUPPORTED,
    )


@pytest.mark.parametrize("blank", [" ", "\t", "a ", ":", "\xa0", "::"])
def test_a_head_of_blanks_is_read_in_one_pass(blank: str) -> None:
    """A pattern that backtracks would take minutes."""
    for line in (f"A:{blank * 4000}\x00", f"Host: {blank * 4000}\x00", f"{blank * 4000}"):
        assert [said.status for said in say(f"GET / HTTP/1.1\r\n{line}\r\n\r\n")] in ([400], [431])


# Small parts


def test_the_date_is_written_once_a_second() -> None:
    times = iter([1795521600.0, 1795521600.9, 1795521601.0])
    dates = Dates(lambda: next(times))
    first, same, later = dates(), dates(), dates()
    assert first is same
    assert (first, later) == (b"Tue, 24 Nov 2026 12:00:00 GMT", b"Tue, 24 Nov 2026 12:00:01 GMT")


def test_an_answer_says_how_long_it_is() -> None:
    out = answer_bytes(Answer(HTTPStatus.OK, b"abc"), date=DATE, bodiless=False)
    assert [(said.status, said.body) for said in parse(out)] == [(200, "abc")]
