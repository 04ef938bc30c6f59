"""One GET against servers on loopback that do not behave."""

from __future__ import annotations

import gzip
import socket
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from certwright.solver.http_fetch import (
    MOST_BYTES,
    Answer,
    NoAnswerError,
    NoConnectionError,
    Patience,
    Request,
    fetch,
)
from tests.kit.ports import LOOPBACK, free_port
from tests.solver.odd_web import (
    OddWeb,
    deaf_port,
    dripping,
    flooding,
    odd_web,
    plain,
    redirect,
    silent,
    unknown_certificate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.solver.odd_web import Behaviour

BODY = b"token.thumbprint"
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = "Content-Encoding: gzip"


@pytest.fixture(scope="module")
def web() -> Iterator[OddWeb]:
    with odd_web({}) as running:
        yield running


def get(
    port: int,
    path: str = "/",
    *,
    address: str = LOOPBACK,
    server_name: str | None = None,
    limit: float = 5,
    connecting: float = 5,
) -> Answer:
    patience = Patience(time.monotonic, time.monotonic() + limit, connecting)
    return fetch(
        Request(address, port, server_name, "www.example.test", path, 128), "certwright-test", patience
    )


def answer_to(web: OddWeb, behaviour: Behaviour, limit: float = 5) -> Answer:
    web.answers["/"] = behaviour
    return get(web.port, limit=limit)


def test_the_request_is_the_one_that_the_ca_makes(web: OddWeb) -> None:
    answer_to(web, plain(200, BODY))
    assert web.asked[-1] == (
        "GET / HTTP/1.1\r\nHost: www.example.test\r\nUser-Agent: certwright-test\r\n"
        "Accept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        pytest.param(plain(200, BODY), BODY, id="with a length"),
        pytest.param(plain(200, BODY, version="HTTP/1.0"), BODY, id="HTTP/1.0"),
        pytest.param(HEAD + b"\r\n" + BODY, BODY, id="until the connection ends"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n" + BODY, BODY, id="HTTP/1.0 until the connection ends"),
        pytest.param(b"HTTP/1.1 200\nContent-Length: 16\n\n" + BODY, BODY, id="bare line feeds, no reason"),
        pytest.param(CHUNKED + b"6\r\ntoken.\r\na;x=y\r\nthumbprint\r\n0\r\n\r\n", BODY, id="in chunks"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + plain(200, BODY), BODY, id="after a 100"),
        pytest.param(plain(200, gzip.compress(BODY), GZIP), BODY, id="gzip"),
        pytest.param(
            CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: GZIP\r\n\r\n")
            + b"%x\r\n%b\r\n0\r\n\r\n" % (len(gzip.compress(BODY)), gzip.compress(BODY)),
            BODY,
            id="gzip in chunks",
        ),
        pytest.param(plain(200, gzip.compress(b"\0" * 10_000_000), GZIP), b"\0" * 128, id="a gzip bomb"),
        pytest.param(plain(200, b"x" * 10_000), b"x" * 128, id="a long body"),
        pytest.param(plain(200, BODY, "Content-Encoding: br"), BODY, id="an encoding that was not asked for"),
        pytest.param(plain(200), b"", id="no body"),
    ],
)
def test_a_body_is_read_as_far_as_it_is_worth(web: OddWeb, sent: bytes, body: bytes) -> None:
    assert answer_to(web, sent) == Answer(200, "", body)


def test_an_endless_body_is_left_alone(web: OddWeb) -> None:
    assert answer_to(web, flooding(HEAD + b"\r\n", b"x" * 4096)) == Answer(200, "", b"x" * 128)


def test_of_other_answers_the_body_is_not_waited_for(web: OddWeb) -> None:
    slow = dripping(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 9999\r\n\r\n", b"x")
    assert answer_to(web, slow) == Answer(302, "/there")


def test_the_first_of_two_locations_counts(web: OddWeb) -> None:
    sent = b"HTTP/1.1 301 Moved\r\nLocation: /one\r\nlocation: /two\r\nContent-Length: 0\r\n\r\n"
    assert answer_to(web, sent).location == "/one"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        pytest.param(b"", "closed the connection without an answer", id="nothing"),
        pytest.param(b"\x16\x03\x01\x02\x00", "not HTTP", id="TLS"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP", id="SSH"),
        pytest.param(b"HTTP/2 200 OK\r\n\r\n" + BODY, "not HTTP", id="a version that nobody asked for"),
        pytest.param(b"HTTP/1.1 2xx OK\r\n\r\n", "not HTTP", id="no status"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Le", "in the middle of its headers", id="half of the headers"
        ),
        pytest.param(
            HEAD + b"Content-Length: 100\r\n\r\n" + BODY, "in the middle of its answer", id="cut short"
        ),
        pytest.param(CHUNKED + b"ff\r\ntoken", "not HTTP, or only a part", id="half a chunk"),
        pytest.param(CHUNKED + b"-5\r\ntoken", "not HTTP, or only a part", id="a negative chunk"),
        pytest.param(CHUNKED + b"zz\r\ntoken", "not HTTP, or only a part", id="a chunk of no size"),
        pytest.param(plain(200, BODY, GZIP), "not HTTP, or only a part", id="gzip that is none"),
        pytest.param(
            plain(200, gzip.compress(BODY)[:-9], GZIP), "in the middle of its answer", id="half a gzip"
        ),
        pytest.param(HEAD + b"X-Many: y\r\n" * 200 + b"\r\n" + BODY, "not HTTP", id="hundreds of headers"),
        pytest.param(
            HEAD + b"X-Long: " + b"y" * MOST_BYTES * 2, "more than 65,536 bytes", id="a header without end"
        ),
        pytest.param(
            flooding(HEAD, b"X-Many: y\r\n" * 100), "not HTTP|more than 65,536 bytes", id="endless headers"
        ),
        pytest.param(
            flooding(b"", b"HTTP/1.1 100 C\r\n\r\n" * 100), "more than 65,536 bytes", id="endless 100s"
        ),
    ],
)
def test_a_bad_answer_is_none(web: OddWeb, sent: Behaviour, told: str) -> None:
    with pytest.raises(NoAnswerError, match=told):
        answer_to(web, sent)


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(silent, id="silence"),
        pytest.param(dripping(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"), id="dripping headers"),
        pytest.param(dripping(HEAD + b"Content-Length: 120\r\n\r\n", b"x"), id="a dripping body"),
        pytest.param(dripping(CHUNKED, b"1\r\nx\r\n"), id="dripping chunks"),
        pytest.param(
            dripping(HEAD + GZIP.encode() + b"\r\n\r\n" + gzip.compress(BODY)[:10], b""), id="slow gzip"
        ),
    ],
)
def test_an_answer_that_takes_its_time_is_not_waited_for(web: OddWeb, behaviour: Behaviour) -> None:
    began = time.monotonic()
    with pytest.raises(NoAnswerError, match=f"accepted the connection on port {web.port} but did not answer"):
        answer_to(web, behaviour, limit=0.4)
    assert time.monotonic() - began < 2


def test_refusal_and_silence_of_a_port_are_told_apart() -> None:
    closed = free_port()
    with pytest.raises(NoConnectionError, match=f"^refused the connection on port {closed}$"):
        get(closed)
    with (
        deaf_port() as deaf,
        pytest.raises(
            NoConnectionError, match=rf"^did not accept the connection on port {deaf} within 0\.3 s$"
        ),
    ):
        get(deaf, connecting=0.3)


def test_a_time_that_is_over_is_not_overdrawn() -> None:
    with deaf_port() as deaf, pytest.raises(NoConnectionError, match=r"within 0\.\d+ s"):
        get(deaf, limit=0.3)
    with pytest.raises(NoConnectionError, match="not asked any more"):
        get(1, limit=0)


@pytest.mark.parametrize("server_name", ["www.example.test", ""])
def test_any_certificate_is_good_enough(server_name: str) -> None:
    with odd_web({"": plain(200, BODY)}, tls=unknown_certificate("somebody.else.test")) as web:
        assert get(web.port, server_name=server_name).body == BODY


def test_the_server_is_told_which_name_is_meant() -> None:
    names: list[str] = []
    context = unknown_certificate("www.example.test")
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    with odd_web({"": plain(200, BODY)}, tls=context) as web:
        get(web.port, server_name="www.example.test")
        get(web.port, server_name="")
    assert names == ["www.example.test", None]


def test_plain_text_at_the_tls_port_is_told(web: OddWeb) -> None:
    with pytest.raises(
        NoAnswerError, match=f"does not speak TLS 1.2 or later for this name on port {web.port}"
    ):
        get(web.port, server_name="www.example.test")


def test_a_handshake_that_stalls_is_not_waited_for() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(NoAnswerError, match="did not finish the TLS handshake in time"):
            get(port, server_name="www.example.test", limit=0.4)


@given(
    sent=st.binary(max_size=400)
    | st.binary(max_size=400).map(HEAD.__add__)
    | st.binary(max_size=99).map(CHUNKED.__add__)
)
@example(sent=redirect("\x00\xff"))
@example(sent=CHUNKED + b"-1\r\nx")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_are_too_strange(web: OddWeb, sent: bytes) -> None:
    try:
        answer = answer_to(web, sent)
    except NoAnswerError as told:
        words = str(told)
    else:
        words = ""
        assert 100 <= answer.status <= 999
        assert len(answer.body) <= 128
    assert words.isascii()
