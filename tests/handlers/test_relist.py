"""What watches miss: the gone are dropped, the missing are read, the attempts of dead processes are found."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from certwright.failures import NeedsPerson, Setback, TryLater
from certwright.handlers.relist import Relister
from certwright.handlers.source import Source
from certwright.kube.api import KubeApi
from certwright.reconcile.cache import Cache
from certwright.reconcile.credentials import Credentials
from certwright.reconcile.memory import Memory
from certwright.reconcile.target import read_target
from certwright.resources.names import Ref
from certwright.resources.scope import EVERYWHERE, Scope
from certwright.shim.intake import Intake
from certwright.shim.plan import Facts, plan
from certwright.shim.register import Register
from tests.reconcile.fakes import NAMES, Clock, FakeAttempts, FakeSecrets
from tests.reconcile.situations import ATTEMPT
from tests.reconcile.world import certificate_spec, issuer_spec
from tests.shim.situations import ASKS, OPTIONS, SITE, applicant, ingress, made, tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WEB, CA, CLUSTER = (
    Ref("Certificate", "shop", "web"),
    Ref("Issuer", "shop", "ca"),
    Ref("ClusterIssuer", "", "all"),
)
UNKNOWN = Ref("Certificate", "shop", "unknown")
BLOCK = tls("web-tls", "www.example.com")
ALL_KINDS = ("issuers", "clusterissuers", "certificates", "secrets", "ingresses")


class Cluster(KubeApi):
    """Objects by path; lists show metadata only, and only what `listed` holds back or adds."""

    def __init__(self) -> None:
        self.bodies: dict[str, Any] = {}
        self.vanishing: set[str] = set()
        self.lists: list[tuple[str, str, bool]] = []
        self.gets: list[str] = []
        self.fails: Setback | None = None
        self.refuses: dict[str, Setback] = {}
        self.on_list: Callable[[], object] = list

    def add(self, ref: Ref, spec: Any) -> None:
        where = f"/namespaces/{ref.namespace}" if ref.namespace else ""
        path = f"/apis/certwright.dev/v1{where}/{NAMES.plural(ref.kind)}/{ref.name}"
        metadata = {"name": ref.name, "uid": f"uid-{ref.name}", "resourceVersion": "5", "generation": 1}
        self.bodies[path] = {
            "metadata": metadata | ({"namespace": ref.namespace} if ref.namespace else {}),
            "spec": spec,
        }

    def add_secret(self, name: str) -> Any:
        metadata = {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "resourceVersion": "6",
            "labels": {NAMES.secret_label: "target"},
        }
        self.bodies[f"/api/v1/namespaces/shop/secrets/{name}"] = {"metadata": metadata, "data": {}}
        return self.bodies[f"/api/v1/namespaces/shop/secrets/{name}"]

    def add_ingress(self, body: Any) -> str:
        metadata = body["metadata"]
        path = f"/apis/networking.k8s.io/v1/namespaces/{metadata['namespace']}/ingresses/{metadata['name']}"
        self.bodies[path] = body
        return path

    def get(self, path: str) -> Any:
        self.gets.append(path)
        if setback := self.refuses.get(path):
            raise setback
        return None if path in self.vanishing else self.bodies.get(path)

    def pages(
        self,
        path: str,
        *,
        selector: str = "",
        fields: str = "",  # noqa: ARG002  the signature
        metadata_only: bool = False,
    ) -> Iterator[list[Any]]:
        self.on_list()
        if setback := self.fails or self.refuses.get(path.rpartition("/")[2]):
            raise setback
        self.lists.append((path, selector, metadata_only))
        plural = f"/{path.rpartition('/')[2]}/"
        for key, body in self.bodies.items():
            if plural in key:
                yield [{"metadata": body["metadata"]}]


class Bench:
    def __init__(self, scope: Scope = EVERYWHERE) -> None:
        self.api, self.cache, self.memory, self.attempts = Cluster(), Cache(), Memory(), FakeAttempts()
        self.woken: list[Ref] = []
        self.hastened: list[Ref] = []
        self.now = 0.0
        self.register = Register(OPTIONS)
        intake = Intake(self.register, OPTIONS, self.woken.append)
        self.source = Source(
            cache=self.cache,
            memory=self.memory,
            credentials=Credentials(FakeSecrets(), NAMES, "certwright", Clock()),
            names=NAMES,
            wake=self.woken.append,
            credential_changed=lambda _issuer, _at: None,
            intake=intake,
        )
        self.relister = Relister(
            api=self.api,
            names=NAMES,
            cache=self.cache,
            memory=self.memory,
            attempts=self.attempts,
            source=self.source,
            intake=intake,
            wake=self.woken.append,
            hasten=self.hastened.append,
            clock=Clock(),
            seconds=self._seconds,
            scope=scope,
        )
        for ref, spec in ((WEB, certificate_spec()), (CA, issuer_spec()), (CLUSTER, issuer_spec())):
            self.api.add(ref, spec)

    def _seconds(self) -> float:
        """Each look at the clock finds it a minute later, so that no test waits for watches."""
        self.now += 60
        return self.now

    def show_all(self) -> None:
        """The watches show everything that there is."""
        for path, body in list(self.api.bodies.items()):
            if "/secrets/" in path:
                self.source.secret(body, deleted=False)
            elif "/certificates/" in path:
                self.source.certificate(body, deleted=False)
            elif "/ingresses/" in path:
                self.source.ingress(body, deleted=False)
            else:
                self.source.issuer(body, deleted=False)
        self.woken.clear()


def test_every_watched_kind_is_listed_by_metadata_alone() -> None:
    bench = Bench()
    bench.show_all()
    bench.relister.round()
    assert [(path.rpartition("/")[2], metadata_only) for path, _, metadata_only in bench.api.lists] == [
        (kind, True) for kind in ALL_KINDS
    ]
    assert [selector for _, selector, _ in bench.api.lists if selector] == ["certwright.dev/secret=target"]


def test_named_namespaces_are_listed_one_by_one_and_nothing_beyond_them() -> None:
    bench = Bench(Scope(("blog", "shop")))
    bench.show_all()
    bench.attempts.create(replace(ATTEMPT, certificate=Ref("Certificate", "elsewhere", "web")))
    bench.relister.round()
    assert [path for path, _, _ in bench.api.lists] == [
        f"{group}/namespaces/{namespace}/{plural}"
        for group, plural in (
            ("/apis/certwright.dev/v1", "issuers"),
            ("/apis/certwright.dev/v1", "certificates"),
            ("/api/v1", "secrets"),
            ("/apis/networking.k8s.io/v1", "ingresses"),
        )
        for namespace in ("blog", "shop")
    ]
    assert bench.memory.attempt(ATTEMPT.certificate_uid) is None


def test_a_named_namespace_that_is_closed_keeps_what_is_known_of_it() -> None:
    bench = Bench(Scope(("shop",)))
    bench.show_all()
    bench.api.fails = NeedsPerson("Forbidden", "GET: certificates is forbidden")
    bench.relister.round()
    assert bench.cache.certificate(WEB) is not None
    assert bench.woken == []


def test_a_cluster_that_is_closed_is_a_failed_round() -> None:
    bench = Bench()
    bench.api.fails = NeedsPerson("Forbidden", "GET: certificates is forbidden")
    with pytest.raises(NeedsPerson):
        bench.relister.round()


def test_when_the_watches_showed_everything_nothing_is_read_or_woken() -> None:
    bench = Bench()
    bench.api.add_secret("web-tls")
    bench.show_all()
    bench.relister.round()
    assert (bench.api.gets, bench.woken) == ([], [])


def test_what_the_watches_have_not_shown_is_read_and_woken() -> None:
    bench = Bench()
    bench.api.add_secret("web-tls")
    bench.relister.round()
    assert set(bench.woken) == {WEB, CA, CLUSTER}
    assert all(bench.cache.issuer(ref) for ref in (CA, CLUSTER))
    assert bench.cache.certificate(WEB) is not None
    assert bench.cache.target(("shop", "web-tls")) is not None
    assert len(bench.api.gets) == 4


def test_what_vanished_between_list_and_read_is_no_fault() -> None:
    bench = Bench()
    bench.api.add_secret("web-tls")
    bench.api.vanishing = set(bench.api.bodies)
    bench.relister.round()
    assert bench.cache.certificates() == []
    assert bench.cache.target_keys() == []


def test_what_is_gone_is_dropped_and_woken_so_that_its_turn_looks_live() -> None:
    bench = Bench()
    bench.api.add_secret("web-tls")
    bench.show_all()
    bench.api.bodies.clear()
    bench.relister.round()
    assert set(bench.woken) == {WEB, CA, CLUSTER}
    assert (bench.cache.certificates(), bench.cache.issuers(), bench.cache.target_keys()) == ([], [], [])


def test_a_gone_secret_wakes_the_certificate_that_names_it() -> None:
    bench = Bench()
    bench.cache.put_target(("shop", "web-tls"), read_target(bench.api.add_secret("web-tls"), NAMES))
    bench.show_all()
    del bench.api.bodies["/api/v1/namespaces/shop/secrets/web-tls"]
    bench.relister.round()
    assert bench.woken == [WEB]


def test_attempts_of_a_dead_process_are_found_and_woken() -> None:
    bench = Bench()
    bench.show_all()
    created = bench.attempts.create(ATTEMPT)
    bench.relister.round()
    assert bench.memory.attempt(ATTEMPT.certificate_uid) == created
    assert bench.hastened == [ATTEMPT.certificate], "an order under way goes before what may wait"


def test_an_attempt_that_is_under_way_here_is_not_touched() -> None:
    bench = Bench()
    bench.show_all()
    created = bench.attempts.create(ATTEMPT)
    ours = created.with_order("https://ca.example/order/7", (), ())
    bench.memory.put_attempt(ours)
    bench.memory.progress(ATTEMPT.certificate_uid).answered = True
    bench.relister.round()
    assert bench.memory.attempt(ATTEMPT.certificate_uid) == ours
    assert bench.memory.progress(ATTEMPT.certificate_uid).answered
    assert bench.woken == []


@pytest.mark.parametrize("failure", [TryLater("APIServerUnavailable", "busy"), RuntimeError("a bug")])
def test_a_round_that_fails_completes_nothing(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench()
    bench.api.fails = failure  # type: ignore[assignment]
    bench.api.on_list = bench.relister.stop
    bench.relister._keep_running()
    assert not bench.relister.complete.is_set()
    assert (bench.relister.last_round > 0) == isinstance(failure, Setback), "a restart may mend a bug"
    assert "re-list failed, trying again" in caplog.text


def test_only_a_round_that_ends_well_makes_what_is_known_new() -> None:
    bench = Bench()
    bench.show_all()
    before = bench.relister.age_seconds()
    bench.api.fails = TryLater("APIServerUnavailable", "busy")
    with pytest.raises(TryLater):
        bench.relister.round()
    assert bench.relister.age_seconds() > before
    bench.api.fails = None
    bench.relister.round()
    assert bench.relister.age_seconds() == 60


def test_the_first_good_round_opens_the_door_for_work() -> None:
    bench = Bench()
    bench.show_all()
    assert not bench.relister.complete.is_set()
    bench.relister.start()
    assert bench.relister.complete.wait(5)
    bench.relister.stop()
    assert bench.relister.last_round > 0
    assert not [each for each in threading.enumerate() if each.name == "relist" and not each.daemon]


def test_whoever_takes_the_lead_forgets_attempts_before_it_learns_of_them() -> None:
    bench = Bench()
    bench.show_all()
    bench.memory.put_attempt(replace(ATTEMPT, uid="long-gone"))
    moved = replace(ATTEMPT, certificate_uid="uid-other", uid="same", resource_version="9", order_url="moved")
    bench.memory.put_attempt(replace(moved, resource_version="7", order_url=""))
    bench.memory.progress(moved.certificate_uid).answered = True
    bench.attempts.stored[moved.name] = moved
    bench.relister.anew()
    assert bench.memory.attempts() == [moved]
    assert not bench.memory.progress(moved.certificate_uid).answered


def test_a_lead_is_not_taken_on_a_page_that_was_read_before() -> None:
    bench = Bench()
    bench.show_all()
    bench.attempts.stored[ATTEMPT.name] = ATTEMPT
    begun = threading.Event()

    def take() -> None:
        begun.set()
        bench.relister.anew()

    taker = threading.Thread(target=take)

    def overtaken() -> None:
        bench.api.on_list = list
        bench.attempts.stored.clear()
        taker.start()
        begun.wait(10)

    bench.api.on_list = overtaken
    bench.relister.round()
    taker.join(10)
    assert bench.memory.attempts() == []


def test_whoever_takes_the_lead_does_not_wait_long_for_what_the_watch_will_never_show() -> None:
    bench = Bench()
    bench.show_all()
    vanished = Ref("Certificate", "shop", "vanished")
    bench.api.add(vanished, certificate_spec())
    path = "/apis/certwright.dev/v1/namespaces/shop/certificates/vanished"
    bench.api.vanishing.add(path)
    bench._seconds = lambda: bench.now  # type: ignore[method-assign]
    bench.relister._seconds = lambda: bench.now
    waited: list[float] = []

    def wait(seconds: float) -> bool:
        waited.append(seconds)
        bench.now += seconds
        return False

    bench.relister._stopping.wait = wait  # type: ignore[method-assign, assignment]
    bench.relister.anew()
    assert sum(waited) < 3
    assert path in bench.api.gets, "it was looked at live"
    bench.api.vanishing.clear()


def test_a_certificate_that_is_gone_is_forgotten_with_all_that_was_remembered_of_it() -> None:
    bench = Bench()
    bench.show_all()
    known = bench.cache.certificate(WEB)
    assert known is not None
    bench.memory.hold(known.meta.uid, 1, Clock()())
    bench.api.bodies.pop("/apis/certwright.dev/v1/namespaces/shop/certificates/web")
    bench.relister.round()
    assert bench.memory.hold_of(known.meta.uid, 1) is None


def test_only_ingresses_that_ask_are_looked_for_and_by_metadata_alone() -> None:
    bench = Bench()
    bench.show_all()
    for at in range(1_000):
        bench.api.add_ingress(
            ingress(BLOCK, ref=Ref("Ingress", "shop", f"other{at}"), annotations={"x/y": "z"})
        )
    path = bench.api.add_ingress(ingress(BLOCK))
    bench.relister.round()
    assert (bench.api.gets, bench.woken) == ([path], [SITE])
    bench.woken.clear()
    bench.relister.round()
    assert (bench.api.gets, bench.woken) == ([path], []), "what is known costs nothing more"


@pytest.mark.parametrize("body", [None, ingress(BLOCK, annotations={})], ids=["is gone", "asks no more"])
def test_an_ingress_that_is_gone_or_asks_no_more_is_dropped_and_woken(body: Any) -> None:
    bench = Bench()
    path = bench.api.add_ingress(ingress(BLOCK))
    bench.show_all()
    bench.api.bodies[path] = body
    if body is None:
        del bench.api.bodies[path]
    bench.relister.round()
    assert (bench.woken, bench.register.applicants()) == ([SITE], [])


def test_a_certificate_that_no_watch_ever_showed_and_that_is_gone_is_made_again() -> None:
    """A turn made it, and it was deleted while the watch had a gap."""
    bench = Bench()
    asking = applicant(BLOCK)
    bench.api.add_ingress(ingress(BLOCK))
    bench.show_all()
    (it,) = plan(asking, Facts(), OPTIONS).apply
    bench.register.put_made(made(it, asking))
    bench.relister.round()
    assert SITE in bench.woken
    assert bench.register.all_made() == []


def test_an_ingress_that_appears_during_the_list_is_kept() -> None:
    bench = Bench()
    bench.show_all()
    fresh = Ref("Ingress", "shop", "fresh")
    bench.api.add_ingress(ingress(BLOCK))
    bench.show_all()

    def appears() -> None:
        if len(bench.api.lists) == ALL_KINDS.index("ingresses"):
            bench.source.ingress(ingress(tls("fresh-tls", "a.example.com"), ref=fresh), deleted=False)

    bench.api.on_list = appears
    bench.relister.round()
    assert set(bench.register.applicants()) == {SITE, fresh}


def test_ingresses_of_a_closed_namespace_are_kept() -> None:
    bench = Bench(Scope(("shop",)))
    bench.api.add_ingress(ingress(BLOCK, annotations=ASKS))
    bench.show_all()
    bench.api.fails = NeedsPerson("Forbidden", "GET: ingresses is forbidden")
    bench.relister.round()
    assert bench.register.applicants() == [SITE]


CLOSED = NeedsPerson("Forbidden", "GET: ingresses is forbidden")


@pytest.mark.parametrize("take", [Relister.round, Relister.anew], ids=["a round", "taking the lead"])
def test_a_role_without_ingresses_holds_up_nothing_and_is_told_once(
    take: Callable[[Relister], None], caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench()
    path = bench.api.add_ingress(ingress(BLOCK))
    for place in ("ingresses", path):
        bench.api.refuses = {place: CLOSED}
        caplog.clear()
        take(bench.relister)
        take(bench.relister)
        assert [each.getMessage() for each in caplog.records] == ["Ingresses are closed to us"], place
        assert bench.cache.certificate(WEB) is not None
        bench.api.refuses = {}
        bench.api.vanishing = {path}
        take(bench.relister)
    bench.api.vanishing = set()
    take(bench.relister)
    assert bench.register.applicants() == [SITE], "a role that was mended is heard"


def test_ingresses_that_cannot_be_read_for_any_other_reason_are_a_failed_round() -> None:
    bench = Bench()
    for setback in (TryLater("APIServerUnavailable", "busy"), NeedsPerson("CABundleInvalid", "no")):
        bench.api.refuses = {"ingresses": setback}
        with pytest.raises(type(setback)):
            bench.relister.round()
