"""What Flux waits for (`wait: true`, `healthChecks`): kstatus of every phase."""

from __future__ import annotations

import pytest

from tests.gitops.phases import Phase, certificates, issuers
from tests.kit.kstatus import kstatus

CERTIFICATES, ISSUERS = certificates(), issuers()


@pytest.mark.parametrize("phase", CERTIFICATES, ids=lambda phase: phase.sentence)
def test_a_certificate(phase: Phase) -> None:
    assert kstatus(phase.body) == phase.flux


@pytest.mark.parametrize("phase", ISSUERS, ids=lambda phase: phase.sentence)
def test_an_issuer(phase: Phase) -> None:
    assert kstatus(phase.body) == phase.flux


@pytest.mark.parametrize("phase", [*CERTIFICATES, *ISSUERS], ids=lambda phase: phase.sentence)
def test_whatever_is_being_deleted_is_terminating(phase: Phase) -> None:
    metadata = phase.body["metadata"] | {"deletionTimestamp": "2026-11-24T12:00:00Z"}
    assert kstatus(phase.body | {"metadata": metadata}) == "Terminating"


def test_every_answer_of_kstatus_is_met() -> None:
    assert {phase.flux for phase in CERTIFICATES} == {"InProgress", "Failed", "Current"}
    assert {phase.flux for phase in ISSUERS} == {"InProgress", "Failed", "Current"}
