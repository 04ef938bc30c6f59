"""The pool of nonces, and requests whose nonce was refused (RFC 8555 §6.5)."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from certwright.acme.flow import Response, drive
from certwright.acme.flows import NONCE_PATIENCE, NONCE_TRIES
from certwright.acme.nonces import MOST_KEPT, OLDEST_USED, NoncePool
from certwright.acme.refusals import ProblemKind, Refused
from tests.acme.conversing import (
    CA,
    FRESH_NONCE,
    ORDER,
    answer,
    conversation,
    converse,
    nonces_used,
    refusal,
    standing,
)

if TYPE_CHECKING:
    from certwright.acme.flow import Request

URL = f"{CA}/order/1"


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_newest_nonce_is_used_first_and_only_once() -> None:
    pool = NoncePool(standing)
    pool.keep("old")
    pool.keep("new")
    assert [pool.take(), pool.take(), pool.take()] == ["new", "old", None]


def test_the_oldest_nonces_fall_out() -> None:
    pool = NoncePool(standing)
    for number in range(MOST_KEPT + 10):
        pool.keep(str(number))
    pool.keep(None)
    assert len(pool) == MOST_KEPT
    taken = [pool.take() for _ in range(MOST_KEPT)]
    assert taken[-1] == "10"


def test_a_nonce_is_used_up_to_an_hour_after_it_came_and_not_later() -> None:
    watch = Watch()
    pool = NoncePool(watch)
    pool.keep("old")
    watch.now += 1
    pool.keep("new")
    watch.now += OLDEST_USED
    assert pool.take() == "new"
    assert pool.take() is None
    assert len(pool) == 0, "what is too old is not looked at again"


def test_after_an_idle_hour_a_new_one_is_asked_for() -> None:
    watch = Watch()
    talk = conversation("old", seconds=watch)
    watch.now += OLDEST_USED + 1
    asked, _ = converse(talk.fetch_order(URL), FRESH_NONCE, answer(ORDER))
    assert [request.method for request in asked] == ["HEAD", "POST"]
    assert nonces_used(asked) == ["first"]


def test_threads_never_share_a_nonce() -> None:
    """Each of eight threads puts one by and takes one, a thousand times."""
    pool, start = NoncePool(standing), Barrier(8)

    def work(thread: int) -> list[str | None]:
        start.wait()
        taken = []
        for number in range(1000):
            pool.keep(f"{thread}-{number}")
            taken.append(pool.take())
        return taken

    with ThreadPoolExecutor(8) as workers:
        taken = Counter(nonce for done in workers.map(work, range(8)) for nonce in done if nonce)
    assert taken.most_common(1)[0][1] == 1
    assert len(taken) == 8000, "never more than eight are kept, so none falls out"


@pytest.mark.parametrize("status", [200, 201, 400, 403, 404, 409, 429, 500, 503])
def test_every_answer_brings_the_nonce_of_the_next_request(status: int) -> None:
    talk = conversation("one")
    given = answer(ORDER, status, location=URL, replay_nonce="two")
    try:
        converse(talk.new_order(["a.example"]), given)
    except Refused:
        assert status >= 400
    asked, _ = converse(talk.fetch_order(URL), answer(ORDER))
    assert nonces_used(asked) == ["two"]


@pytest.mark.parametrize("status", [200, 204])
def test_a_fresh_nonce_is_taken_from_any_success(status: int) -> None:
    """RFC 8555 §7.2: 200 is for HEAD and 204 for GET, and some CAs give the latter to both."""
    fresh = Response(status, {"replay-nonce": "fresh", "cache-control": "no-store"})
    asked, _ = converse(conversation().fetch_order(URL), fresh, answer(ORDER))
    assert nonces_used(asked) == ["fresh"]


def test_a_request_is_signed_anew_with_the_nonce_of_each_refusal() -> None:
    refusals = [refusal("badNonce", replay_nonce=f"n{number}") for number in range(1, NONCE_TRIES)]
    asked, _ = converse(conversation("waiting", "n0").fetch_order(URL), *refusals, answer(ORDER))
    assert nonces_used(asked) == [f"n{number}" for number in range(NONCE_TRIES)]
    assert len({request.body for request in asked}) == NONCE_TRIES, "each has a signature of its own"


def test_the_nonce_of_the_last_refusal_is_kept_as_well() -> None:
    refusals = [refusal("badNonce", replay_nonce=f"n{number}") for number in range(1, NONCE_TRIES + 1)]
    talk = conversation("n0")
    with pytest.raises(Refused):
        converse(talk.fetch_order(URL), *refusals)
    asked, _ = converse(talk.fetch_order(URL), answer(ORDER))
    assert nonces_used(asked) == [f"n{NONCE_TRIES}"]


def test_a_slow_ca_that_takes_no_nonce_is_given_up_sooner() -> None:
    watch = Watch()
    asked: list[Request] = []

    def slow(request: Request, /) -> Response:
        asked.append(request)
        watch.now += NONCE_PATIENCE / 3
        return refusal("badNonce", replay_nonce="next")

    with pytest.raises(Refused) as given_up:
        drive(conversation("first", seconds=watch).fetch_order(URL), slow)
    assert given_up.value.kind is ProblemKind.BAD_NONCE
    assert len(asked) == 3
