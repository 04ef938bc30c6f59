"""The pool of nonces."""

from __future__ import annotations

from certwright.acme.nonces import MOST_KEPT, NoncePool


def test_the_newest_nonce_is_used_first_and_only_once() -> None:
    pool = NoncePool()
    pool.keep("old")
    pool.keep("new")
    assert [pool.take(), pool.take(), pool.take()] == ["new", "old", None]


def test_the_oldest_nonces_fall_out() -> None:
    pool = NoncePool()
    for number in range(MOST_KEPT + 10):
        pool.keep(str(number))
    pool.keep(None)
    assert len(pool) == MOST_KEPT
    taken = [pool.take() for _ in range(MOST_KEPT)]
    assert taken[-1] == "10"
