"""`certwright wait`: when it ends, and what it says then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from certwright.cli.waiting import standing
from tests.cli.golden import ESCAPES, FAILED, NOW, certificate, condition, failing, on_the_page, ready
from tests.cli.test_listing import certwright, config, server
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["config", "server"]

STALLED = certificate(
    "api",
    condition("Ready", "False", "CAAForbids", f"No. {ESCAPES}"),
    condition("Stalled", "True", "CAAForbids", "No."),
)
LATER = ready("web") | {"metadata": ready("web")["metadata"] | {"generation": 2}}


@pytest.mark.parametrize(
    ("body", "is_ready", "over", "message"),
    [
        (ready("web", notAfter="2099-01-01T00:00:00Z"), True, True, "The certificate is valid until"),
        (
            ready("web", notAfter="2026-02-01T00:00:00Z"),
            False,
            False,
            "the certificate was over at 2026-02-01T00:00:00Z",
        ),
        (failing(), False, False, f"ValidationFailed: {FAILED}"),
        (STALLED, False, True, "CAAForbids: No."),
        (None, False, True, "it does not exist"),
        (LATER, False, False, "the operator has not looked at it yet"),
        ({}, False, False, "the operator has not looked at it yet"),
    ],
)
def test_how_far_a_certificate_is(body: Any, is_ready: bool, over: bool, message: str) -> None:  # noqa: FBT001
    found = standing(body, "ready", NOW)
    assert (found.done, found.over) == (is_ready, over)
    assert found.message.startswith(message)


IS_READY = "Certificate shop/web is ready. The certificate is valid until 2026-05-01T00:00:00Z.\n"
NOT_IN_TIME = f"Error: Certificate shop/api is not ready: ValidationFailed: {FAILED}\n"


def test_it_waits_through_a_restart_of_the_api_server_until_all_is_ready(
    server: ScriptedServer, config: Path
) -> None:
    good = ready("web", notAfter="2099-01-01T00:00:00Z")
    server.script(refusal(503, "ServiceUnavailable", "starting"), Answer(body=good))
    done = certwright(config, "wait", "web", "-n", "shop", "--for", "Ready", "--timeout", "20s")
    assert (done.exit_code, done.stdout) == (0, IS_READY)
    assert on_the_page(IS_READY)


def test_what_is_not_ready_in_time_says_why(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=failing()))
    done = certwright(config, "wait", "api", "-n", "shop", "--timeout", "0s")
    assert (done.exit_code, done.stderr) == (2, NOT_IN_TIME)
    assert on_the_page(NOT_IN_TIME)


def test_what_only_a_person_can_mend_is_not_waited_for(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=STALLED))
    done = certwright(config, "wait", "api", "--timeout", "1h")
    assert done.exit_code == 2
    assert "CAAForbids: No. \\x1b[2J\\u202eevil" in done.stderr


def test_what_is_missing_is_said_at_once(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(404, {}), Answer(body={"kind": "APIResourceList"}))
    done = certwright(config, "wait", "gone", "-n", "shop")
    assert (done.exit_code, done.stderr) == (
        1,
        "Error: Certificate shop/gone is not ready: it does not exist\n",
    )
    server.script(Answer(404, {}), Answer(404, {}))
    assert "install the CRDs" in certwright(config, "wait", "gone").stderr


def test_wrong_use_has_exit_code_1(config: Path) -> None:
    assert certwright(config, "wait", "web", "--for", "rain").exit_code == 1
    assert certwright(config, "wait").exit_code == 1


def asked(body: Any, value: str, **status: Any) -> Any:
    """The same after `certwright renew`."""
    metadata = body["metadata"] | {"annotations": {"certwright.dev/renew": value}}
    return body | {"metadata": metadata, "status": body["status"] | status}


GOOD = ready("web", notAfter="2099-01-01T00:00:00Z")
IN_USE = (
    "Renewal was asked for by annotation certwright.dev/renew. A new certificate is being ordered; the present one "
    "stays in use."
)
UNDER_WAY = certificate("web", GOOD["status"]["conditions"][0], condition("Issuing", "True", "x", IN_USE))
FIRST_UNDER_WAY = certificate(
    "web", condition("Ready", "False", "Issuing", IN_USE), condition("Issuing", "True", "x", IN_USE)
)
TROUBLE = certificate(
    "web", GOOD["status"]["conditions"][0], condition("RenewalFailing", "True", "CAError", "It fell over.")
)
ON_HOLD = certificate(
    "web", GOOD["status"]["conditions"][0], condition("Suspended", "True", "x", "Nothing is done.")
)


@pytest.mark.parametrize(
    ("body", "renewed", "over", "message"),
    [
        (GOOD, False, True, "nobody has asked for a renewal; run certwright renew"),
        (asked(GOOD, "1"), False, False, "the operator has not begun yet"),
        (asked(GOOD, "2", lastHandledRenew="1"), False, False, "the operator has not begun yet"),
        (asked(GOOD, "1", lastHandledRenew="1"), True, True, "The certificate is valid until"),
        (asked(UNDER_WAY, "1"), False, False, IN_USE),
        (asked(TROUBLE, "1"), False, False, "CAError: It fell over."),
        (
            asked(TROUBLE, "1", nextAttemptTime="2026-03-01T12:20:00Z"),
            False,
            True,
            "CAError: It fell over.",
        ),
        (asked(TROUBLE, "1", nextAttemptTime="2026-03-01T11:59:00Z"), False, False, "CAError: It fell over."),
        (asked(failing(), "1"), False, True, f"ValidationFailed: {FAILED}"),
        (asked(failing(), "1", nextAttemptTime=None), False, False, f"ValidationFailed: {FAILED}"),
        (asked(FIRST_UNDER_WAY, "1"), False, False, IN_USE),
        (asked(ON_HOLD, "1"), False, True, "Nothing is done."),
        (asked(STALLED, "1"), False, True, "CAAForbids: No."),
        (asked(failing(), "1", lastHandledRenew="1"), False, False, "ValidationFailed: "),
        (None, False, True, "it does not exist"),
    ],
)
def test_how_far_a_renewal_is(body: Any, renewed: bool, over: bool, message: str) -> None:  # noqa: FBT001
    found = standing(body, "renewed", NOW)
    assert (found.done, found.over) == (renewed, over)
    assert found.message.startswith(message)


def test_a_renewal_is_waited_for(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=asked(GOOD, "1", lastHandledRenew="1")))
    done = certwright(config, "wait", "web", "-n", "shop", "--for", "renewed")
    assert (done.exit_code, done.stdout) == (0, IS_READY.replace("is ready", "is renewed"))
