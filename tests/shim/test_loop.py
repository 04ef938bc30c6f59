"""Turns over a cluster in memory: what is made, what is left alone, what it costs, and what a crash leaves."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.engine.fence import NotLeading
from certwright.failures import NotYet, TryLater
from certwright.resources.names import Ref
from certwright.shim.backlog import NEXT_LOOK
from certwright.shim.loop import MISTAKE_LOOK, OBSTACLE_LOOK
from certwright.shim.teller import AT_MOST, RETOLD
from tests.shim.situations import ASKS, OPTIONS, SITE, TLS_ACME, WEB, tls
from tests.shim.world import AWAY, FORBIDDEN, Cluster, Killed, World, certificate, cluster_issuer, foreign

BLOG = tls("blog-tls", "blog.example.com")
OTHER, THIRD = Ref("Ingress", "shop", "other"), Ref("Ingress", "shop", "third")
DEFAULT = {"kubernetes.io/tls-acme": "true"}
ALL = Ref("ClusterIssuer", "", "all")


def asked(*blocks: dict[str, Any], world: World | None = None, **changed: Any) -> World:
    """An Ingress that has what it asks for, in a world whose writes are counted from now on."""
    world = world or World()
    world.ask(*blocks, **changed)
    world.run()
    world.cluster.writes.clear()
    world.cluster.reads.clear()
    return world


def test_an_ingress_gets_its_certificates_and_an_event_says_so() -> None:
    world = World()
    world.ask(WEB, BLOG)
    world.run()
    assert world.owners() == {"web-tls": "uid-site", "blog-tls": "uid-site"}
    assert world.told() == ["CreateCertificate: Made 2 Certificates: web-tls, blog-tls"]
    assert world.points == ["before:apply-certificate", "after:apply-certificate"] * 2


def test_an_unchanged_ingress_costs_neither_write_nor_read() -> None:
    world = asked(WEB, BLOG)
    for _ in range(3):
        assert world.shim.loop.turn(SITE) is None
    assert (world.cluster.writes, world.cluster.reads) == ([], [])


def test_a_new_status_of_the_ingress_or_a_certificate_costs_no_turn() -> None:
    world = asked(WEB)
    for ref in (SITE, certificate("web-tls")):
        world.cluster.put(ref, world.cluster.bodies[ref] | {"status": {"any": "thing"}})
    world.show()
    assert not world.woken


def test_ten_thousand_ingresses_that_do_not_ask_cost_nothing() -> None:
    world = World()
    for at in range(10_000):
        ref = Ref("Ingress", f"n{at % 100}", f"site{at}")
        world.ask(WEB, ref=ref, annotations={"nginx.ingress.kubernetes.io/x": "y"})
    world.show()
    register = world.shim.loop.register
    assert (world.woken, register.applicants(), register.claimants(("n1", "web-tls"))) == ({}, [], ())
    assert (world.cluster.reads, world.secrets.reads) == ([], 0)


def test_a_turn_does_the_same_whatever_the_number_of_others() -> None:
    world = World()
    for at in range(1_000):
        world.ask(tls(f"s{at}", "x.example.com"), ref=Ref("Ingress", "shop", f"site{at}"))
    world.show()
    world.woken.clear()
    world.ask(WEB)
    world.run()
    assert world.cluster.reads == [SITE, certificate("web-tls")]
    assert world.cluster.writes == [("apply", certificate("web-tls"))]


CHANGES = [
    pytest.param(
        [tls("web-tls", "new.example.com")], ASKS, {"dnsNames": ["new.example.com"]}, id="another host"
    ),
    pytest.param(
        [WEB],
        {"certwright.dev/cluster-issuer": "all"},
        {"issuerRef": {"name": "all", "kind": "ClusterIssuer"}},
        id="another issuer",
    ),
    pytest.param(
        [WEB], ASKS | {"certwright.dev/renew-before-percentage": "20"}, {"renewBeforePercentage": 20}
    ),
    pytest.param([WEB], ASKS | {"certwright.dev/duration": "30d"}, {"duration": "30d"}),
]


@pytest.mark.parametrize(("blocks", "annotations", "fields"), CHANGES)
def test_a_change_reaches_the_certificate_and_its_way_back_too(
    blocks: list[dict[str, Any]], annotations: dict[str, str], fields: dict[str, Any]
) -> None:
    world = asked(WEB)
    before = world.spec("web-tls")
    world.ask(*blocks, annotations=annotations)
    world.run()
    assert world.spec("web-tls") == before | fields
    assert world.told()[1:] == ["UpdateCertificate: Changed Certificate web-tls"]
    world.ask(WEB)
    world.run()
    assert world.spec("web-tls") == before
    assert world.cluster.writes == [("apply", certificate("web-tls"))] * 2


@pytest.mark.parametrize(
    "annotations",
    [{"cert-manager.io/issuer": "ca"}, DEFAULT, {}],
    ids=["handed over", "switched off", "none"],
)
def test_an_ingress_from_which_the_issuer_is_gone_has_its_certificates_removed(
    annotations: dict[str, str],
) -> None:
    world = asked(WEB)
    world.ask(WEB, annotations=annotations)
    world.run()
    assert world.owners() == {}
    assert world.told()[1:] == ["DeleteCertificate: Deleted Certificate web-tls"]


def test_what_others_add_to_a_certificate_stays() -> None:
    world = asked(WEB)
    ref = certificate("web-tls")
    body = copy.deepcopy(world.cluster.bodies[ref])
    body["spec"]["profile"] = "shortlived"
    body["metadata"]["labels"] = {"team": "web"}
    world.cluster.put(ref, body)
    world.ask(WEB, annotations=ASKS | {"certwright.dev/duration": "30d"})
    world.run()
    assert (world.spec("web-tls")["profile"], world.spec("web-tls")["duration"]) == ("shortlived", "30d")
    assert world.cluster.bodies[ref]["metadata"]["labels"] == {"team": "web"}


def test_what_somebody_took_over_is_taken_back() -> None:
    world = asked(WEB)
    ref = certificate("web-tls")
    body = copy.deepcopy(world.cluster.bodies[ref])
    body["spec"]["dnsNames"] = ["attacker.example.com"]
    del body["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]["f:dnsNames"]
    world.cluster.put(ref, body)
    world.run()
    assert world.spec("web-tls")["dnsNames"] == ["www.example.com", "example.com"]


def test_a_certificate_that_was_deleted_is_made_again() -> None:
    world = asked(WEB)
    world.cluster.drop(certificate("web-tls"))
    world.run()
    assert world.owners() == {"web-tls": "uid-site"}


GONE = [
    pytest.param([WEB, BLOG], {}, {}, id="the annotation"),
    pytest.param([WEB], ASKS, {"web-tls": "uid-site"}, id="a block"),
    pytest.param(
        [WEB, tls("new-tls", "blog.example.com")], ASKS, {"web-tls": "uid-site", "new-tls": "uid-site"}
    ),
]


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("blocks", "annotations", "left"), GONE)
def test_what_is_not_asked_for_any_more_goes_also_if_it_was_changed_while_nobody_looked(
    blocks: list[dict[str, Any]], annotations: dict[str, str], left: dict[str, str], *, restarted: bool
) -> None:
    world = asked(WEB, BLOG)
    world.ask(*blocks, annotations=annotations)
    if restarted:
        world = World(cluster=world.cluster)
        world.cluster.pending = [
            (ref, copy.deepcopy(body), False) for ref, body in world.cluster.bodies.items()
        ]
    world.run()
    assert world.owners() == left
    assert world.told()[-1].startswith("DeleteCertificate: Deleted ")
    assert world.shim.loop.turn(SITE) is None


def test_an_ingress_that_is_gone_leaves_the_rest_to_garbage_collection() -> None:
    world = asked(WEB)
    world.cluster.drop(SITE)
    world.run()
    assert world.cluster.writes == []
    world.cluster.drop(certificate("web-tls"))
    world.run()
    assert (world.cluster.writes, world.woken) == ([], {})


def test_an_ingress_made_anew_waits_for_the_old_ones_certificate_to_be_collected() -> None:
    world = asked(WEB)
    world.cluster.drop(SITE)
    world.ask(WEB, uid="uid-new")
    world.run()
    assert (world.cluster.writes, world.told()[1:]) == ([], [])
    world.cluster.drop(certificate("web-tls"))
    world.run()
    assert world.owners() == {"web-tls": "uid-new"}


def test_a_certificate_of_that_name_that_is_not_ours_is_never_touched() -> None:
    world = World()
    world.cluster.put(certificate("web-tls"), foreign("web-tls"))
    world.ask(WEB, BLOG)
    world.run()
    assert world.cluster.bodies[certificate("web-tls")]["spec"]["dnsNames"] == ["x.example.com"]
    assert world.owners() == {"web-tls": "", "blog-tls": "uid-site"}
    made, conflict = world.told()
    assert made == "CreateCertificate: Made Certificate blog-tls"
    assert conflict == (
        "CertificateConflict: Certificate web-tls exists already (not made for an Ingress) and is left as it is; write "
        "another secretName"
    )
    assert world.shim.loop.turn(SITE) == world.clock() + OBSTACLE_LOOK
    world.cluster.drop(certificate("web-tls"))
    world.run()
    assert world.owners() == {"web-tls": "uid-site", "blog-tls": "uid-site"}


def test_an_owner_reference_that_is_removed_makes_a_certificate_foreign() -> None:
    world = asked(WEB)
    ref = certificate("web-tls")
    body = copy.deepcopy(world.cluster.bodies[ref])
    del body["metadata"]["ownerReferences"]
    world.cluster.put(ref, body)
    world.ask(annotations={})
    world.run()
    assert (world.owners(), world.cluster.writes) == ({"web-tls": ""}, [])


def test_an_older_ingress_that_cannot_be_served_blocks_nobody() -> None:
    world = World()
    world.ask(tls("web-tls"))
    world.ask(WEB, ref=OTHER, created="2026-11-24T12:00:01Z")
    world.run()
    assert world.owners() == {"web-tls": "uid-other"}
    world.ask(WEB)
    world.run()
    assert world.owners() == {"web-tls": "uid-other"}, "who has it keeps it"


def test_the_older_of_two_ingresses_gets_the_secret_and_the_other_hears_why() -> None:
    world = World()
    world.ask(WEB, ref=OTHER, created="2026-11-24T12:00:01Z")
    world.ask(WEB)
    world.show()
    world.run(max)
    assert world.owners() == {"web-tls": "uid-site"}
    world.woken[OTHER] = None
    world.run()
    conflicts = [each for each in world.events.told if each[0] == OTHER]
    assert [each[2] for each in conflicts] == ["CertificateConflict"] * len(conflicts)
    assert conflicts
    world.ask(ref=SITE, annotations={})
    world.run()
    assert world.owners() == {"web-tls": "uid-other"}, "when the older asks no more, the next one gets it"


def test_who_has_a_certificate_keeps_it_though_an_older_ingress_asks_later() -> None:
    world = asked(WEB)
    world.ask(WEB, ref=OTHER, created="2020-01-01T00:00:00Z")
    world.run()
    assert (world.owners(), world.cluster.writes) == ({"web-tls": "uid-site"}, [])
    assert world.told()[-1].startswith(
        "CertificateConflict: Certificate web-tls exists already (made for Ingress shop/site)"
    )


THEIRS = [
    pytest.param({"annotations": {"cert-manager.io/certificate-name": "web"}}, False),
    pytest.param({"ownerReferences": [{"apiVersion": "cert-manager.io/v1", "kind": "Certificate"}]}, False),
    pytest.param(
        {"annotations": {"cert-manager.io/certificate-name": "web", "certwright.dev/adopt": "true"}}, True
    ),
    pytest.param({}, True),
]


@pytest.mark.parametrize(("metadata", "is_made"), THEIRS)
def test_a_secret_of_cert_managers_is_left_to_it_until_it_is_handed_over(
    metadata: dict[str, Any], *, is_made: bool
) -> None:
    world = World()
    world.cluster.secrets["shop", "web-tls"] = {"metadata": metadata}
    world.ask(WEB)
    world.run()
    assert world.owners() == ({"web-tls": "uid-site"} if is_made else {})
    assert world.told()[0].startswith(
        "CreateCertificate" if is_made else "ManagedByCertManager: Secret web-tls"
    )


def test_the_default_issuer_is_used_and_another_default_changes_nothing() -> None:
    world = World(TLS_ACME)
    world.ask(WEB, annotations=DEFAULT)
    world.run()
    assert world.owners() == {}
    assert world.told()[0].startswith("NoDefaultIssuer: ")
    world.cluster.put(ALL, cluster_issuer("all", is_default=True))
    world.run()
    assert world.spec("web-tls")["issuerRef"] == {"name": "all", "kind": "ClusterIssuer"}
    world.cluster.writes.clear()
    world.cluster.put(ALL, cluster_issuer("all"))
    world.cluster.put(Ref("ClusterIssuer", "", "new"), cluster_issuer("new", is_default=True))
    world.run()
    assert world.cluster.writes == []
    world.shim.intake.issuer_gone(ALL)
    world.run()
    assert world.cluster.writes == [], "a watch that lags is not believed"
    world.cluster.drop(ALL)
    world.run()
    assert world.spec("web-tls")["issuerRef"] == {"name": "new", "kind": "ClusterIssuer"}


def test_an_issuer_that_is_not_the_default_wakes_nobody() -> None:
    world = asked(WEB, world=World(TLS_ACME))
    world.ask(BLOG, ref=OTHER, annotations=DEFAULT)
    world.run()
    world.cluster.put(Ref("ClusterIssuer", "", "x"), cluster_issuer("x"))
    world.show()
    world.woken.clear()
    world.cluster.put(Ref("ClusterIssuer", "", "x"), cluster_issuer("x"))
    world.shim.intake.issuer(Ref("Issuer", "shop", "y"), is_default=True)
    world.show()
    assert world.woken == {}
    world.cluster.put(Ref("ClusterIssuer", "", "x"), cluster_issuer("x", is_default=True))
    world.show()
    assert list(world.woken) == [OTHER]


# What changes behind our back


def test_what_changed_since_it_was_read_is_looked_at_again_at_once() -> None:
    world = World()
    world.ask(WEB, BLOG)
    world.show()

    def intrude(ref: Ref) -> None:
        if ref.name == "web-tls":
            world.cluster.put(ref, foreign(ref.name))

    world.cluster.before_write = intrude
    assert world.shim.loop.turn(SITE) == world.clock() + NEXT_LOOK
    world.cluster.before_write = lambda _ref: None
    world.run()
    assert world.owners() == {"web-tls": "", "blog-tls": "uid-site"}


def test_a_certificate_that_somebody_changes_while_it_is_removed_is_decided_upon_anew() -> None:
    world = asked(WEB)
    ref = certificate("web-tls")
    world.ask(annotations={})

    def hand_over(_ref: Ref) -> None:
        body = copy.deepcopy(world.cluster.bodies[ref])
        body["metadata"]["ownerReferences"] = []
        world.cluster.put(ref, body)

    world.cluster.before_write = hand_over
    world.run()
    assert world.owners() == {"web-tls": ""}
    assert world.cluster.writes == []


def test_an_ingress_that_the_watch_shows_late_is_read_before_anything_is_written() -> None:
    world = asked(WEB)
    world.ask(WEB, annotations=ASKS | {"certwright.dev/duration": "30d"})
    world.show()
    world.ask(WEB)
    world.cluster.pending.clear()
    assert world.shim.loop.turn(SITE) is None
    assert world.cluster.writes == []
    world.ask(WEB, annotations=ASKS | {"certwright.dev/duration": "30d"})
    world.show()
    world.cluster.drop(SITE)
    world.cluster.pending.clear()
    assert world.shim.loop.turn(SITE) is None
    assert world.cluster.writes == []


def test_what_is_older_than_what_is_known_changes_nothing() -> None:
    world = World()
    world.ask(WEB, annotations=ASKS | {"certwright.dev/duration": "30d"})
    (stale,) = world.cluster.pending
    world.ask(WEB)
    world.run()
    old_certificate = copy.deepcopy(world.cluster.bodies[certificate("web-tls")])
    world.ask(WEB, BLOG)
    world.run()
    old_certificate["metadata"]["resourceVersion"] = "1"
    world.show_one(stale[0], stale[1], deleted=False)
    world.show_one(certificate("web-tls"), old_certificate, deleted=False)
    assert world.woken == {}


# What the API server refuses


def test_one_that_is_refused_does_not_hold_up_the_others_and_is_told() -> None:
    world = World()
    world.ask(WEB, BLOG)
    world.show()

    def refuse(ref: Ref) -> None:
        world.cluster.refuses = FORBIDDEN if ref.name == "web-tls" else None

    world.cluster.before_write = refuse
    assert world.shim.loop.turn(SITE) == world.clock() + OBSTACLE_LOOK
    assert world.owners() == {"blog-tls": "uid-site"}
    why = "The API server refused Certificate web-tls: exceeded quota: certificates; it is tried again"
    assert world.told()[-1] == f"CertificateRefused: {why}"


@pytest.mark.parametrize("fault", [AWAY, NotLeading("NotLeading", "another replica leads")], ids=repr)
def test_an_api_server_that_is_away_and_a_lost_lead_end_the_turn(fault: Exception) -> None:
    world = World()
    world.ask(WEB, BLOG)
    world.show()
    world.cluster.refuses = fault  # type: ignore[assignment]
    with pytest.raises(type(fault)):
        world.shim.loop.turn(SITE)
    world.cluster.refuses = None
    world.shim.loop.turn(SITE)
    assert len(world.owners()) == 2


def test_a_process_that_ends_begins_no_further_write() -> None:
    world = World()
    world.ask(WEB, BLOG)
    world.show()
    world.leaving = True
    assert world.shim.loop.turn(SITE) == world.clock() + NEXT_LOOK
    assert world.cluster.writes == []


@pytest.mark.parametrize("slow", ["read", "write"])
def test_a_turn_ends_after_a_while_and_the_next_goes_on(slow: str) -> None:
    world = World()
    world.ask(*(tls(f"s{at}", f"h{at}.example.com") for at in range(60)))
    world.show()
    read = world.cluster.read

    def slow_read(ref: Ref) -> dict[str, Any] | None:
        world.clock.move(seconds=1 if slow == "read" else 0)
        return read(ref)

    world.cluster.read = slow_read  # type: ignore[method-assign]
    world.cluster.before_write = lambda _ref: world.clock.move(seconds=1 if slow == "write" else 0)
    assert world.shim.loop.turn(SITE) == world.clock() + NEXT_LOOK
    assert 3 < len(world.owners()) < 20
    for _ in range(20):
        world.shim.loop.turn(SITE)
    assert len(world.owners()) == 60


def slow(world: World) -> None:
    """Each read takes a second."""
    read = world.cluster.read

    def slow_read(ref: Ref) -> dict[str, Any] | None:
        world.clock.move(seconds=1)
        return read(ref)

    world.cluster.read = slow_read  # type: ignore[method-assign]


def pauses(world: World, turns: int) -> list[float]:
    """How long each of so many turns asks to wait, each one being waited for."""
    waited = []
    for _ in range(turns):
        look_again = world.shim.loop.turn(SITE)
        assert look_again is not None
        waited.append((look_again - world.clock()).total_seconds())
        world.clock.now = look_again
        world.show()
    return waited


def test_blocks_that_are_in_the_way_for_ever_hold_up_neither_others_nor_what_goes() -> None:
    world = asked(BLOG)
    taken = [f"s{at}" for at in range(20)]
    for name in taken:
        world.cluster.put(certificate(name), foreign(name))
    world.ask(*(tls(name, "a.example.com") for name in taken), WEB)
    world.show()
    slow(world)
    assert pauses(world, 5) == [1, 2, 1, 1, 1]
    assert set(world.owners()) == {*taken, "web-tls"}
    assert world.cluster.writes == [("apply", certificate("web-tls")), ("delete", certificate("blog-tls"))]
    assert pauses(world, 8)[-1] == 256, "what nothing comes of is tried ever more seldom"


def test_what_is_another_one_again_and_again_is_tried_ever_more_seldom_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """So does the API server answer while the CRD of Certificates is gone."""
    caplog.set_level("INFO")
    world = asked(WEB)
    world.ask(tls("web-tls", "new.example.com"))
    world.show()
    world.cluster.refuses = NotYet("ChangedMeanwhile", "PATCH: not found")
    assert pauses(world, 4) == [1, 2, 4, 8]
    (first, *_) = (each for each in caplog.records if each.getMessage() == "changed meanwhile, tried again")
    assert first.__dict__["why"] == "PATCH: not found"
    world.cluster.refuses = None
    assert world.shim.loop.turn(SITE) is None
    world.ask(WEB)
    world.show()
    world.cluster.refuses = NotYet("ChangedMeanwhile", "PATCH: not found")
    assert pauses(world, 1) == [1], "it begins anew"


def test_a_passing_fault_loses_no_word_of_what_was_done_and_holds_up_nothing_for_long() -> None:
    world = World()
    world.ask(WEB, tls("bad-tls", "bad.example.com"), BLOG)
    world.show()

    def refuse(ref: Ref) -> None:
        world.cluster.refuses = AWAY if ref.name == "bad-tls" else None

    world.cluster.before_write = refuse
    for _ in range(2):
        with pytest.raises(TryLater):
            world.shim.loop.turn(SITE)
    made = "CreateCertificate: Made Certificate"
    assert world.told() == [f"{made} web-tls", f"{made} blog-tls"]


def test_what_cannot_be_read_holds_up_nothing_for_long() -> None:
    """Such as a Secret that the API server cannot decrypt any more."""
    world = World()
    world.ask(tls("bad-tls", "bad.example.com"), WEB, BLOG)
    world.show()
    read = world.secrets.read

    def broken(namespace: str, name: str) -> dict[str, Any] | None:
        if name == "bad-tls":
            raise AWAY
        return read(namespace, name)

    world.secrets.read = broken  # type: ignore[method-assign]
    for _ in range(3):
        with pytest.raises(TryLater):
            world.shim.loop.turn(SITE)
        world.show()
    assert set(world.owners()) == {"web-tls", "blog-tls"}
    world.ask(tls("bad-tls", "bad.example.com"), WEB, BLOG, tls("new-tls", "new.example.com"))
    world.show()
    for _ in range(2):
        with pytest.raises(TryLater):
            world.shim.loop.turn(SITE)
    assert "new-tls" in world.owners()


# Events


def test_a_mistake_is_told_once_an_hour_however_many_turns_and_at_once_when_it_comes_back() -> None:
    world = World()
    world.ask(tls(None, "x.example.com"))
    world.show()
    for _ in range(3):
        assert world.shim.loop.turn(SITE) == world.clock() + MISTAKE_LOOK
    assert world.events.asked == 1
    world.clock.now += RETOLD
    world.shim.loop.turn(SITE)
    assert world.events.asked == 2
    world.ask(annotations=ASKS, ref=SITE)
    world.run()
    world.ask(tls(None, "x.example.com"))
    world.run()
    assert world.events.asked == 4


def test_an_event_that_could_not_be_told_is_told_by_the_next_turn() -> None:
    world = World()
    world.events.fails = TryLater("APIServerUnavailable", "away")
    world.ask(tls(None, "x.example.com"), WEB)
    world.run()
    assert world.owners() == {"web-tls": "uid-site"}, "best effort: what was done is done"
    world.events.fails = None
    world.shim.loop.turn(SITE)
    assert [each.partition(":")[0] for each in world.told()] == ["BadConfig"]


def test_names_are_told_as_they_are_written() -> None:
    world = World()
    world.ask(tls(None, "x.example.com"), WEB, annotations=ASKS | {"certwright.dev/duration": "soon"})
    world.run()
    assert [each.partition(" ")[2][:22] for each in world.told()] == [
        "spec.tls[0] has no sec",
        "certwright.dev/duratio",
    ]


def test_of_very_many_mistakes_some_are_told() -> None:
    world = World()
    world.ask(*(tls(None, "x.example.com") for _ in range(500)))
    world.run()
    assert len(world.told()) == AT_MOST
    assert world.told()[-1].startswith("BadConfig: 491 more mistakes")


def test_nobody_is_remembered_who_is_gone() -> None:
    world = World()
    world.ask(tls(None, "x.example.com"))
    world.run()
    assert world.shim.loop.teller.told
    world.cluster.drop(SITE)
    world.run()
    assert world.shim.loop.teller.told == {}


# Crashes, and the order of things

POINTS = [
    f"{when}:{what}" for what in ("apply-certificate", "delete-certificate") for when in ("before", "after")
]


@pytest.mark.parametrize("point", POINTS)
def test_whatever_a_crash_leaves_the_next_process_repairs(point: str) -> None:
    world = asked(WEB, BLOG)
    world.ask(tls("web-tls", "new.example.com"), tls("more-tls", "more.example.com"))
    world.kill_at = point
    with pytest.raises(Killed):
        world.run()
    after = World(cluster=world.cluster)
    after.cluster.pending = [(ref, copy.deepcopy(body), False) for ref, body in after.cluster.bodies.items()]
    after.run()
    assert after.owners() == {"web-tls": "uid-site", "more-tls": "uid-site"}
    assert after.spec("web-tls")["dnsNames"] == ["new.example.com"]


INGRESSES = st.lists(
    st.tuples(
        st.lists(st.sampled_from(["a-tls", "b-tls", "c-tls"]), max_size=3, unique=True),
        st.sampled_from(
            [
                ASKS,
                ASKS,
                {},
                ASKS | {"cert-manager.io/issuer": "x"},
                ASKS | {"certwright.dev/cluster-issuer": "x"},
            ]
        ),
        st.sampled_from(["2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z"]),
    ),
    min_size=3,
    max_size=3,
)


def _outcome(state: Any, foreigners: set[str], seed: int) -> tuple[dict[str, str], World]:
    """Everything is shown in some order, then worked on in some order."""
    dice = random.Random(seed)
    world = World(cluster=Cluster())
    for name in foreigners:
        world.cluster.put(certificate(name), foreign(name))
    for ref, (secrets, asks, created) in zip((SITE, OTHER, THIRD), state, strict=True):
        blocks = [tls(secret, f"{secret}.example.com") for secret in secrets]
        world.ask(*blocks, ref=ref, annotations=asks, created=created)
    dice.shuffle(world.cluster.pending)
    world.run(dice.choice)
    return world.owners(), world


@given(INGRESSES, st.sets(st.sampled_from(["a-tls", "b-tls"])), st.integers(0, 99), st.integers(0, 99))
def test_the_outcome_is_the_same_in_whatever_order_things_are_seen_and_worked_on(
    state: Any, foreigners: set[str], one: int, other: int
) -> None:
    first, world = _outcome(state, foreigners, one)
    second, _ = _outcome(state, foreigners, other)
    assert first == second
    for name in foreigners:
        assert world.cluster.bodies[certificate(name)]["metadata"]["managedFields"] == []
        assert first[name] == ""


STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.sets(st.sampled_from(["a-tls", "b-tls"])), st.booleans()), max_size=8
)


@given(STEPS, st.integers(0, 99))
def test_whatever_happened_before_every_secret_that_is_asked_for_has_one_certificate_in_the_end(
    steps: list[tuple[int, set[str], bool]], seed: int
) -> None:
    dice, world = random.Random(seed), World()
    state: dict[Ref, set[str]] = {}
    for who, secrets, asks in steps:
        ref = (SITE, OTHER, THIRD)[who]
        blocks = [tls(secret, f"{secret}.example.com") for secret in sorted(secrets)]
        world.ask(*blocks, ref=ref, annotations=ASKS if asks else {}, created=f"2026-11-24T12:00:0{who}Z")
        state[ref] = secrets if asks else set()
        if dice.random() < 0.5:
            world.show()
        if world.woken and dice.random() < 0.5:
            woken = dice.choice(list(world.woken))
            del world.woken[woken]
            world.shim.loop.turn(woken)
    world.run(dice.choice)
    wanted = set().union(*state.values()) if state else set()
    assert set(world.owners()) == wanted
    for name, uid in world.owners().items():
        assert name in state[Ref("Ingress", "shop", uid.removeprefix("uid-"))]


def test_only_the_namespace_of_the_ingress_is_written_to() -> None:
    world = World(OPTIONS)
    evil = Ref("Ingress", "evil", "site")
    world.cluster.put(certificate("web-tls"), foreign("web-tls"))
    world.ask(tls("web-tls", "x.example.com"), tls("../shop/web-tls", "x.example.com"), ref=evil)
    world.run()
    assert {ref.namespace for _, ref in world.cluster.writes} == {"evil"}
    assert any("write the name of a Secret" in each for each in world.told())
