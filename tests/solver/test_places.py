"""What is known of namespaces: shared by all who are at work there, and dropped when there is nothing to know."""

from __future__ import annotations

import threading

import pytest

from certwright.solver.places import Places
from certwright.solver.upkeep import PERHAPS, Key

KEY: Key = ("Ingress", "a")


def names(places: Places) -> list[str]:
    return [name for name, _ in places.items()]


def test_a_place_of_which_nothing_is_known_is_dropped_when_it_is_left() -> None:
    places = Places()
    with places.at("shop"):
        assert names(places) == ["shop"]
    assert names(places) == []


def test_a_place_of_which_something_is_known_stays_until_that_is_gone() -> None:
    places = Places()
    with places.at("shop") as place:
        place.known[KEY] = PERHAPS
    assert places.has_routes("shop")
    with places.at("shop") as again:
        assert again is place
        again.forget()
    assert names(places) == []
    assert not places.has_routes("shop")


def test_a_place_with_a_service_stays() -> None:
    places = Places()
    with places.at("shop") as place:
        place.service_uid = "uid"
    assert names(places) == ["shop"]


def test_a_setback_inside_leaves_no_empty_place() -> None:
    places = Places()
    with pytest.raises(ZeroDivisionError), places.at("shop"):
        raise ZeroDivisionError
    assert names(places) == []


def test_a_place_is_the_same_for_one_who_waits_for_its_lock_while_the_other_leaves() -> None:
    """Two places for one namespace would be two locks, and one of them would forget what was made."""
    places = Places()
    waits, seen = threading.Event(), []

    def second() -> None:
        with places.at("shop") as place:
            waits.set()
            with place.lock:
                place.known[KEY] = PERHAPS
                seen.append(place)

    other = threading.Thread(target=second)
    with places.at("shop") as place, place.lock:
        other.start()
        assert waits.wait(10)
    other.join(10)
    assert seen == [place]
    with places.at("shop") as later:
        assert later is place


def test_many_at_once_never_work_on_two_places_of_a_namespace() -> None:
    places = Places()
    at_work: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _ in range(300):
            with places.at("shop") as place, place.lock:
                at_work.append(1)
                most.append(len(at_work))
                at_work.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(most) == {1}
    assert names(places) == []
