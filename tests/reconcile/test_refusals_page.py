"""Days at CAs that give one answer only, and the page that tells of them."""

from __future__ import annotations

import pytest

from certwright.acme.refusals import ProblemKind
from tests.reconcile.refusals_page import PAGE, Case, cases, lived, page

#: Answers that CAs count against us, and how many tries of one Certificate a day they get at most (Let's Encrypt allows
#: five failed validations of a name an hour, and pauses a name after a thousand in a row).
COUNTED = 5


def test_the_page_tells_what_happens() -> None:
    assert PAGE.read_text() == page(), "run `make format`"


def test_every_type_that_we_know_has_its_day() -> None:
    lived_through = " ".join(case.says for case in cases())
    assert [kind for kind in ProblemKind if f"`{kind.value}`" not in lived_through and kind.value] == []


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.says} to {case.to}")
def test_no_answer_makes_a_certificate_hammer_its_ca(case: Case) -> None:
    day = lived(case)
    assert day.hour <= 80
    assert day.day <= 800
    assert day.tries == tuple(sorted(day.tries))
    if day.reason in ("ValidationFailed", "Rejected"):
        assert len(day.tries) <= COUNTED
    if day.kind == "a person":
        assert len(day.tries) <= COUNTED
        assert day.hour == 1
