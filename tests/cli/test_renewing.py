"""`certwright renew`: whom it asks for what, in which words, and what it refuses to guess."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.cli import patching
from certwright.cli.pace import Pace
from certwright.cli.selection import Chosen
from certwright.cli.session import Session
from certwright.resources.names import ApiNames
from tests.cli.golden import ESCAPES, condition, on_the_page, ready
from tests.cli.test_listing import certwright, config, server
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["config", "server"]

LIMITS = (
    "Each renewal is an order, and CAs allow few certificates for the same names "
    "(Let's Encrypt: 5 in seven days).\n"
)
ONE = """\
Certificate shop/web: renewal asked for.
The operator orders them; the present certificates stay in use until the new ones are stored.
To follow one: certwright wait web -n shop --for renewed
"""
FORBIDDEN = (
    'certificates.certwright.dev "web" is forbidden: User "me" cannot patch resource "certificates" in API group '
    '"certwright.dev" in the namespace "shop"'
)
REFUSED = (
    f"Error: Certificate shop/web: No permission: {FORBIDDEN}. Certificates may be changed by whoever has the role "
    "`edit` or `admin` in the namespace where the chart made its roles for users (certwright-requester; not with "
    "watchNamespaces); elsewhere an administrator has to grant the verb patch\n"
)
GROUP = Answer(body={"kind": "APIResourceList"})
LIST = Answer(body={"items": [ready("web"), ready("api"), ready("shop", namespace="other")]})


def suspended(name: str) -> Any:
    body = ready(name)
    return body | {"spec": body["spec"] | {"suspend": True}}


def test_it_writes_one_annotation_and_says_who_does_it_and_how_to_follow(
    server: ScriptedServer, config: Path
) -> None:
    server.script(Answer(body=ready("web")), Answer(body=ready("web")))
    done = certwright(config, "renew", "web", "-n", "shop")
    assert (done.exit_code, done.stdout, done.stderr) == (0, ONE, LIMITS)
    assert on_the_page(ONE)
    asked = server.asked[-1]
    (annotation,) = asked.body["metadata"]["annotations"]
    assert annotation == "certwright.dev/renew"
    assert asked.body["metadata"]["annotations"][annotation].endswith("Z")
    assert (list(asked.body), list(asked.body["metadata"])) == (["metadata"], ["annotations"])
    assert (asked.method, asked.headers["content-type"]) == ("PATCH", "application/merge-patch+json")
    assert asked.query == {"fieldManager": "certwright-cli", "fieldValidation": "Strict"}


def test_a_dry_run_changes_nothing_and_says_so(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=ready("web")), Answer(body=ready("web")))
    done = certwright(config, "renew", "web", "-n", "shop", "--dry-run")
    assert (done.exit_code, done.stdout) == (0, "Certificate shop/web: renewal would be asked for.\n")
    assert server.asked[-1].query["dryRun"] == "All"


def test_what_is_missing_is_told_and_the_others_are_renewed(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(404, {}), GROUP, Answer(body=ready("web")), Answer(body=ready("web")))
    done = certwright(config, "renew", f"gone{ESCAPES}", "web", "web", "-n", "shop")
    assert (done.exit_code, done.stdout) == (1, ONE)
    assert done.stderr == (f"{LIMITS}Error: Certificate shop/gone\\x1b[2J\\u202eevil does not exist\n")
    server.script(Answer(404, {}), Answer(404, {}))
    assert "install the CRDs" in certwright(config, "renew", "web").stderr


def test_one_that_goes_meanwhile_is_told(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=ready("web")), refusal(404, "NotFound", "not found"))
    done = certwright(config, "renew", "web")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Error: Certificate shop/web was deleted meanwhile\n" in done.stderr


def test_who_may_not_is_told_who_may_and_is_not_told_again(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=ready("web")), Answer(body=ready("api")), refusal(403, "Forbidden", FORBIDDEN))
    done = certwright(config, "renew", "web", "api", "-n", "shop")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", LIMITS + REFUSED)
    assert on_the_page(REFUSED)
    assert [asked.method for asked in server.asked] == ["GET", "GET", "PATCH"]


def test_another_refusal_is_about_that_one_alone(server: ScriptedServer, config: Path) -> None:
    webhook = refusal(403, "Forbidden", 'admission webhook "policy" denied the request: not on Fridays')
    server.script(Answer(body=ready("web")), Answer(body=ready("api")), webhook, Answer(body=ready("api")))
    done = certwright(config, "renew", "web", "api", "-n", "shop")
    assert done.exit_code == 1
    assert "Certificate shop/api: renewal asked for." in done.stdout
    assert "not on Fridays" in done.stderr
    assert "role" not in done.stderr


@dataclass
class Time:
    """Passes only where it is waited for."""

    now: float = 0.0
    paused: list[float] = field(default_factory=list)

    def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.now += seconds


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr(patching, "pause", time.pause)
    monkeypatch.setattr(patching, "clock", lambda: time.now)
    return time


BUSY = refusal(429, "TooManyRequests", "slowly", Retry_After="7")
STARTING = refusal(503, "ServiceUnavailable", "starting")
CUT = Answer(None)
RENEW_ALL = ("renew", "--all", "-A", "--value", "monday")


def test_a_passing_error_is_waited_out_and_the_pace_kept(
    server: ScriptedServer, config: Path, time: Time
) -> None:
    done_once = Answer(body=ready("x"))
    four = Answer(body={"items": [*LIST.body["items"], ready("late")]})
    server.script(four, done_once, STARTING, CUT, BUSY, *[done_once] * 3)
    done = certwright(config, *RENEW_ALL, "--pace", "1/s")
    assert (done.exit_code, done.stdout.count("renewal asked for.")) == (0, 4)
    assert time.paused == [1.0, 1.0, 2.0, 7.0, 0.0, 1.0], "what was lost is not caught up with"
    assert done.stderr.count("trying again for 300s") == 1
    assert {asked.body["metadata"]["annotations"]["certwright.dev/renew"] for asked in server.asked[1:]} == {
        "monday"
    }


GO_ON = "To go on, repeat the command with --value monday: whoever was asked already is not asked again.\n"


def test_an_api_server_that_stays_away_leaves_word_of_how_to_go_on(
    server: ScriptedServer, config: Path, time: Time
) -> None:
    server.script(LIST, Answer(body=ready("web")), *[STARTING] * 11)
    done = certwright(config, *RENEW_ALL)
    assert done.exit_code == 1
    assert f"Not finished. Renewal asked for: 1; not yet: 2. {GO_ON}" in done.stderr
    assert time.paused == [6.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0, 57.0]
    assert "cannot do it now (starting); try again in a while" in done.stderr


def test_credentials_that_have_expired_are_not_tried_again(
    server: ScriptedServer, config: Path, time: Time
) -> None:
    server.script(LIST, refusal(401, "Unauthorized", "Unauthorized"))
    done = certwright(config, *RENEW_ALL)
    assert (done.exit_code, time.paused) == (1, [])
    assert f"Renewal asked for: 0; not yet: 3. {GO_ON}" in done.stderr
    assert "log in again" in done.stderr


def test_ctrl_c_leaves_word_of_what_was_refused_and_how_to_go_on(
    server: ScriptedServer, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(patching, "pause", interrupt)
    server.script(LIST, refusal(409, "Conflict", "it changed"))
    done = certwright(config, *RENEW_ALL)
    assert done.exit_code == 1
    assert "Certificate shop/web: The API server says: it changed\n" in done.stderr
    assert f"Renewal asked for: 0; not yet: 2. {GO_ON}" in done.stderr
    monkeypatch.setattr(patching, "_change", lambda *_: interrupt(0))
    server.script(LIST)
    assert (
        "Suspended: 0; not yet: 3. Repeat the command to go on."
        in certwright(config, "suspend", "--all", "-A", "--yes").stderr
    )


def test_a_conflict_is_about_that_one_alone(server: ScriptedServer, config: Path) -> None:
    server.script(
        Answer(body=ready("web")),
        Answer(body=ready("api")),
        refusal(409, "Conflict", "it changed"),
        Answer(body=ready("api")),
    )
    done = certwright(config, "renew", "web", "api", "-n", "shop")
    assert (done.exit_code, "Certificate shop/api: renewal asked for." in done.stdout) == (1, True)
    assert "Error: Certificate shop/web: The API server says: it changed\n" in done.stderr


def test_who_was_asked_with_the_value_is_not_asked_again_but_waited_for(
    server: ScriptedServer, config: Path
) -> None:
    body = ready("web", notAfter="2099-01-01T00:00:00Z", lastHandledRenew="monday")
    body["metadata"] |= {"annotations": {"certwright.dev/renew": "monday"}}
    server.script(Answer(body={"items": [body]}), Answer(body=body))
    done = certwright(config, *RENEW_ALL, "--wait")
    assert (done.exit_code, done.stderr) == (0, "Asked for with monday already: 1.\n")
    assert done.stdout.startswith("Certificate shop/web is renewed.")
    assert [asked.method for asked in server.asked] == ["GET", "GET"]
    server.script(Answer(body=body), Answer(body=body))
    assert "renewal asked for" in certwright(config, "renew", "web", "--value", "tuesday").stdout


@pytest.mark.parametrize("value", ["", " x", "a b", "x" * 64, "\x1b"])
def test_a_value_that_would_not_be_kept_as_it_is_is_refused(config: Path, value: str) -> None:
    done = certwright(config, "renew", "web", "--value", value)
    assert done.exit_code == 1
    assert "63 letters, digits and ._:+- at most" in done.stderr


def test_all_of_all_namespaces_are_paced_and_say_how_long_it_takes(
    server: ScriptedServer, config: Path, time: Time
) -> None:
    server.script(LIST, *[Answer(body=ready("x"))] * 3)
    done = certwright(config, *RENEW_ALL)
    said = f"{LIMITS}Asking for 3 renewals, 10/m (12s), with --value monday.\n"
    assert (done.exit_code, done.stderr) == (0, said)
    assert time.paused == [6.0, 6.0]
    assert done.stdout.count("renewal asked for.") == 3
    paths = [asked.path for asked in server.asked]
    assert paths[0] == "/apis/certwright.dev/v1/certificates"
    assert paths[3] == "/apis/certwright.dev/v1/namespaces/other/certificates/shop"


def test_slow_answers_add_nothing_to_the_pace(
    server: ScriptedServer, config: Path, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = patching._change

    def slowly(*arguments: Any) -> None:
        ask(*arguments)
        time.now += 4.0

    monkeypatch.setattr(patching, "_change", slowly)
    server.script(LIST, *[Answer(body=ready("x"))] * 3)
    assert certwright(config, *RENEW_ALL).exit_code == 0
    assert time.paused == [2.0, 2.0]


def test_a_selector_is_passed_on_and_nothing_found_is_said(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body={"items": []}))
    done = certwright(config, "renew", "-l", "team=a", "-n", "shop")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "No such Certificates.\n")
    assert server.asked[0].query["labelSelector"] == "team=a"


def test_a_suspended_one_is_told_what_it_waits_for(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=suspended("web")), Answer(body=suspended("web")))
    done = certwright(config, "renew", "web", "-n", "shop")
    assert done.exit_code == 0
    assert "nothing is ordered until it is resumed (certwright resume web -n shop)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ([], "Say which Certificates"),
        (["web", "--all"], "Say which Certificates"),
        (["--all", "-l", "a=b"], "Say which Certificates"),
        (["web", "-A"], "Names are of one namespace"),
        (["web", "--pace", "fast"], "fast is not a pace such as 10/m, 1/s or 100/h"),
        (["web", "--pace", "0/m"], "0/m is not a pace"),
    ],
)
def test_what_is_not_clear_is_not_guessed(config: Path, arguments: list[str], text: str) -> None:
    done = certwright(config, "renew", *arguments)
    assert done.exit_code != 0
    assert text in done.stderr


def told_later(value: str, **status: Any) -> Any:
    """What the operator made of the request."""
    body = ready("web", notAfter="2099-01-01T00:00:00Z", **status)
    return body | {"metadata": body["metadata"] | {"annotations": {"certwright.dev/renew": value}}}


def test_it_waits_until_the_certificate_is_stored(server: ScriptedServer, config: Path) -> None:
    stored = told_later("1", lastHandledRenew="1")
    server.script(Answer(body=ready("web")), Answer(body=ready("web")), Answer(body=stored))
    done = certwright(config, "renew", "web", "-n", "shop", "--wait")
    assert done.exit_code == 0
    assert "Certificate shop/web is renewed. The certificate is valid until" in done.stdout
    assert "To follow" not in done.stdout


def test_a_renewal_that_fails_or_is_late_has_exit_code_2(server: ScriptedServer, config: Path) -> None:
    failing = told_later("1", nextAttemptTime="2099-01-01T00:00:00Z")
    failing["status"]["conditions"].append(condition("RenewalFailing", "True", "CAError", "It fell over."))
    for answer, text in ((failing, "CAError: It fell over."), (told_later("1"), "has not begun yet")):
        server.script(Answer(body=ready("web")), Answer(body=ready("web")), Answer(body=answer))
        done = certwright(config, "renew", "web", "-n", "shop", "--wait", "--timeout", "0s")
        assert done.exit_code == 2
        assert f"Certificate shop/web is not renewed: {text}" in done.stderr.replace("the operator ", "")


def test_one_that_goes_while_it_is_waited_for_is_an_error(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=ready("web")), Answer(body=ready("web")), Answer(404, {}), GROUP)
    done = certwright(config, "renew", "web", "-n", "shop", "--wait")
    assert (done.exit_code, done.stderr) == (
        1,
        f"{LIMITS}Error: Certificate shop/web was deleted meanwhile\n",
    )


def test_an_api_server_that_is_away_at_the_end_of_the_wait_hides_nothing(
    server: ScriptedServer, config: Path
) -> None:
    found = (Answer(body=ready("web")), Answer(body=ready("api")))
    server.script(Answer(404, {}), GROUP, *found, *found, STARTING)
    done = certwright(config, "renew", "gone", "web", "api", "-n", "shop", "--wait", "--timeout", "0s")
    assert done.exit_code == 1
    assert "Certificate shop/gone does not exist\n" in done.stderr
    assert "cannot do it now (starting); not known to be renewed: 2\n" in done.stderr


@pytest.mark.parametrize(
    ("pace", "interval", "ten"),
    [
        (Pace(1, "s"), 1.0, timedelta(seconds=9)),
        (Pace(10, "m"), 6.0, timedelta(seconds=54)),
        (Pace(100, "h"), 36.0, timedelta(seconds=324)),
    ],
)
def test_a_pace_is_even_and_the_first_is_not_waited_for(pace: Pace, interval: float, ten: timedelta) -> None:
    assert (pace.interval, pace.takes(10), pace.takes(0)) == (interval, ten, timedelta(0))


@pytest.mark.parametrize(("number", "bars"), [(9, False), (10, True)])
def test_on_a_terminal_many_are_a_bar_and_their_number(
    number: int,
    bars: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    server: ScriptedServer,
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    chosen = [Chosen("shop", f"c{each}", suspended=False) for each in range(number)]
    at_hand = Session(server.api(), ApiNames(), server.url, "shop")
    server.script(*[Answer(body=ready("x"))] * number)
    tally = patching.change_all(at_hand, chosen, patching.Change(patch={}, done="suspended", planned="x"))
    assert (len(tally.done), tally.errors) == (number, [])
    out, err = capsys.readouterr()
    assert out == ("Suspended: 10.\n" if bars else "".join(f"{each}: suspended.\n" for each in chosen))
    assert ("10/10" in err) is bars
