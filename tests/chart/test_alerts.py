"""What the alerts say of states that were recorded: of each one that fires, and one that only just does not.

Their expressions are worked out over scrapes of the operator's real registry. Every state is put to every alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.promql import read
from tests.chart.recording import Story, times
from tests.kit.helm import CHART
from tests.metrics.examples import NOW, QueueFigures, certificate, issuer, limit

if TYPE_CHECKING:
    from collections.abc import Callable

RULES: dict[str, Any] = {
    rule["alert"].removeprefix("Certwright"): rule
    for group in yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
    for rule in group["rules"]
}
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
METRICS = {metric for rule in RULES.values() for metric in read(rule["expr"]).metrics}
#: Of certificates that live for 90 days.
LONG = 90 * DAY
#: Let's Encrypt's profile `shortlived`.
SHORT = 160 * HOUR
FOREVER = timedelta(days=3650)


@dataclass(frozen=True)
class State:
    """What was recorded, which alerts fire then, and which one would if a little more were wrong."""

    told: str
    story: Callable[[Story], None]
    fires: tuple[str, ...] = ()
    nearly: str = ""


def alone(
    life: timedelta,
    left: timedelta,
    renewal_in: timedelta | None,
    ready: str = "True",
    *,
    by: str = "ca",
    **status: Any,
) -> Callable[[Story], None]:
    """One Certificate, for a quarter of an hour."""

    def story(story: Story) -> None:
        spec = {"secretName": "web", "dnsNames": ["www.example.org"], "issuerRef": {"name": by}}
        reason = "Issued" if ready == "True" else "Expired"
        story.certificates = [
            certificate("web", ready, reason, spec=spec, **times(life, left, renewal_in), **status)
        ]
        story.minutes(15)

    return story


def lasting(hours: float, **facts: Any) -> Callable[[Story], None]:
    """Certificates and issuers as they are, for so long."""

    def story(story: Story) -> None:
        for name, there in facts.items():
            setattr(story, name, there)
        story.minutes(round(60 * hours))

    return story


NEW = certificate("new", "False", "Issuing", notBefore=None, notAfter=None, renewalTime=None)
FAILURE = {"reason": "ValidationFailed", "detail": "not found", "at": "2026-11-24T00:00:00Z", "count": 2}
FAILING = certificate("failing", failure=FAILURE)
FAILING_NEW = certificate("new", "False", "ValidationFailed", failure=FAILURE, notAfter=None)


def answers(*statuses: int, minutes: int) -> Callable[[Story], None]:
    """A CA that is asked once a minute by the leader, and answers so, again and again."""

    def story(story: Story) -> None:
        left = list(statuses)

        def ask() -> None:
            left.append(left.pop(0))
            story.first.metrics.observe_request("POST", "ca.example", left[-1], 0.2)

        story.minutes(minutes, each=ask)

    return story


def asked_once(story: Story) -> None:
    story.minutes(10)
    story.first.metrics.observe_request("POST", "ca.example", 0, 30.0)
    story.minutes(50)


def held(scope: str, hours: float) -> Callable[[Story], None]:
    long = limit(scope, "2026-12-24T12:00:00Z", "example.org")
    return lasting(hours, issuers=[issuer(limits=[long])])


def nobody(minutes: int) -> Callable[[Story], None]:
    """Nobody leads for so long."""

    def story(story: Story) -> None:
        story.minutes(30)
        story.first.leads = False
        story.minutes(minutes)

    return story


def gone(*pods: str) -> Callable[[Story], None]:
    """Some replicas go away; the other one takes the lead."""

    def story(story: Story) -> None:
        story.minutes(30)
        story.replicas = [each for each in story.replicas if each.pod not in pods]
        for each in story.replicas:
            each.leads = True
        story.minutes(15)

    return story


def waits(pod: str, seconds: float) -> Callable[[Story], None]:
    def story(story: Story) -> None:
        getattr(story, pod).queue = QueueFigures(oldest_seconds=seconds)
        story.minutes(40)

    return story


def unseen(seconds: float) -> Callable[[Story], None]:
    def story(story: Story) -> None:
        story.second.relist_age = seconds
        story.minutes(15)

    return story


def crashes(*after: int) -> Callable[[Story], None]:
    """Turns that crash, with so many minutes after each."""

    def story(story: Story) -> None:
        story.minutes(10)
        for minutes in after:
            story.first.metrics.count_crash()
            story.minutes(minutes)

    return story


SOON, LATE = "CertificateExpiresSoon", "CertificateAboutToExpire"
STATES = [
    State("two replicas without Certificates", lasting(4)),
    # Ends
    State("renewal is overdue, 20 of 90 days are left", alone(LONG, 20 * DAY, -10 * DAY), (SOON,), LATE),
    State("renewal is overdue, 22 of 90 days are left", alone(LONG, 22 * DAY, -8 * DAY), (), SOON),
    State("renewal is overdue, 8 of 90 days are left", alone(LONG, 8 * DAY, -22 * DAY), (SOON,), LATE),
    State("renewal is overdue, 6 of 90 days are left", alone(LONG, 6 * DAY, -24 * DAY), (SOON, LATE)),
    State("it has expired", alone(LONG, -DAY, -31 * DAY, "False"), (SOON, LATE)),
    State("renewal is not due yet, as the CA advised", alone(LONG, 5 * DAY, DAY), (), LATE),
    State("suspended, 20 of 90 days are left", alone(LONG, 20 * DAY, None), (SOON,), LATE),
    State("suspended, 60 of 90 days are left", alone(LONG, 60 * DAY, None), (), SOON),
    State("of a staging CA, as any other", alone(LONG, 6 * DAY, -DAY, by="staging"), (SOON, LATE)),
    State("160 hours, four days left, healthy", alone(SHORT, 4 * DAY, DAY), (), SOON),
    State("160 hours, renewed at its half a moment ago", alone(SHORT, 79 * HOUR, -HOUR), (), SOON),
    State("160 hours, 36 left, renewal overdue", alone(SHORT, 36 * HOUR, -44 * HOUR), (SOON,), LATE),
    State("160 hours, 10 left, renewal overdue", alone(SHORT, 10 * HOUR, -70 * HOUR), (SOON, LATE)),
    State("a root of ten years with three left", alone(FOREVER, 0.29 * FOREVER, -DAY), (), SOON),
    # Readiness
    State("new, and not ready for two hours", lasting(2, certificates=[NEW]), ("CertificateNotReady",)),
    State("new, and not ready for half an hour", lasting(0.5, certificates=[NEW]), (), "CertificateNotReady"),
    State("renewal fails for four hours", lasting(4, certificates=[FAILING]), ("RenewalFailing",)),
    State("renewal fails for two hours", lasting(2, certificates=[FAILING]), (), "RenewalFailing"),
    State(
        "the first attempts fail for four hours: that is no renewal",
        lasting(4, certificates=[FAILING_NEW]),
        ("CertificateNotReady",),
        "RenewalFailing",
    ),
    State(
        "an issuer without account for two hours",
        lasting(2, issuers=[issuer(ready="False")]),
        ("IssuerNotReady",),
    ),
    State(
        "an issuer without account for half an hour",
        lasting(0.5, issuers=[issuer(ready="False")]),
        (),
        "IssuerNotReady",
    ),
    # The CA
    State("no answer for 40 minutes", answers(0, minutes=40), ("CAUnreachable",)),
    State("errors of the server, or no answer", answers(500, 0, 503, minutes=40), ("CAUnreachable",)),
    State("no answer, but one of ten", answers(*[0] * 9, 200, minutes=40), (), "CAUnreachable"),
    State("no answer for a quarter of an hour", answers(0, minutes=15), (), "CAUnreachable"),
    State("no answer once, and nothing to ask since", asked_once, (), "CAUnreachable"),
    State("a limit of the account for two hours", held("account", 2), ("HittingRateLimits",)),
    State("a limit of a domain for two hours", held("registered domain", 2), ("HittingRateLimits",)),
    State("a limit of the account for half an hour", held("account", 0.5), (), "HittingRateLimits"),
    State("a name that fails is held back for two hours", held("name", 2), (), "HittingRateLimits"),
    # The operator
    State("nobody leads for a quarter of an hour", nobody(15), ("NoLeader",)),
    State("nobody leads for four minutes", nobody(4), (), "NoLeader"),
    State("no replica is there", gone("first", "second"), ("NoLeader",)),
    State("one replica is there", gone("first"), (), "NoLeader"),
    State("the leader's queue stands still", waits("first", 1200), ("QueueStuck",)),
    State("the leader's queue is slow", waits("first", 800), (), "QueueStuck"),
    State("a standby's queue only grows", waits("second", 90000), (), "QueueStuck"),
    State("a replica has not listed the cluster for an hour", unseen(3600), ("WatchStale",)),
    State("a replica missed one round", unseen(1300), (), "WatchStale"),
    State("a turn crashes every ten minutes", crashes(10, 10, 10), ("TurnCrashes",)),
    State("a turn crashed ten minutes ago", crashes(10), (), "TurnCrashes"),
    State("a turn crashed once", crashes(17), (), "TurnCrashes"),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.told)
def test_of_a_state_those_alerts_fire_that_should(state: State) -> None:
    story = Story(METRICS)
    state.story(story)
    assert {name for name, rule in RULES.items() if story.firing(rule)} == set(state.fires)


def test_of_each_alert_there_is_a_state_that_fires_and_one_that_nearly_does() -> None:
    assert {name for state in STATES for name in state.fires} == set(RULES)
    assert {state.nearly for state in STATES} - {""} == set(RULES)


def test_an_alert_names_what_it_is_about_and_each_once_although_two_replicas_tell_of_it() -> None:
    story = Story(METRICS)
    story.certificates = [certificate("soon", **times(LONG, 6 * DAY, -DAY)), NEW, FAILING]
    story.issuers = [issuer("broken", "False"), issuer("all", "False", kind="ClusterIssuer")]
    story.hours(4)
    assert story.firing(RULES[LATE]) == [{"namespace": "shop", "name": "soon"}]
    assert story.firing(RULES["CertificateNotReady"]) == [{"namespace": "shop", "name": "new"}]
    (failing,) = story.firing(RULES["RenewalFailing"])
    assert failing == {"namespace": "shop", "name": "failing", "reason": "ValidationFailed"}
    assert {(each["kind"], each["namespace"]) for each in story.firing(RULES["IssuerNotReady"])} == {
        ("Issuer", "shop"),
        ("ClusterIssuer", "certwright"),
    }


def test_an_alert_ends_when_its_cause_does() -> None:
    story = Story(METRICS)
    story.certificates = [NEW]
    story.hours(2)
    assert story.firing(RULES["CertificateNotReady"])
    story.certificates = [certificate("new")]
    story.minutes(5)
    assert not story.firing(RULES["CertificateNotReady"])
    story.certificates = [NEW]
    story.minutes(30)
    assert not story.firing(RULES["CertificateNotReady"]), "it begins anew"
    assert story.now > NOW
