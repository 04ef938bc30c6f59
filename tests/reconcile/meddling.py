"""Somebody else does something at a checkpoint of a turn: edits, deletes, recreates; and both ways of proving."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from certwright.pki.keys import KeyFacts, read_facts
from certwright.pki.leaf import LeafFacts, read_leaf
from certwright.reconcile.credentials import secret_bytes
from certwright.reconcile.target import read_target
from tests.reconcile.fakes import NAMES
from tests.reconcile.world import CA, WEB, Disk, World, issuer_spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.reconcile.ports import Json
    from certwright.resources.names import Ref

KEY = ("shop", "web-tls")
#: Solvers by the way in which they prove.
WAYS: dict[str, dict[str, Any]] = {
    "dns-01": {"name": "dns", "dns01": {"rfc2136": {"nameserver": "192.0.2.53:53"}}},
    "http-01": {"name": "web", "http01": {"ingress": {"ingressClassName": "traefik"}}},
}
#: What a turn passes in both ways, in this order.
POINTS = (
    "before:create-attempt",
    "after:create-attempt",
    "before:new-order",
    "after:new-order",
    "before:note-order",
    "after:note-order",
    "before:answer-challenge",
    "after:answer-challenge",
    "before:finalize",
    "after:finalize",
    "before:download",
    "after:download",
    "before:store-secret",
    "after:store-secret",
    "before:delete-attempt",
    "after:delete-attempt",
)
#: Between the last live look at the Certificate and the write of the Secret lies a moment that nothing can close:
#: they are two objects. What happens there is seen one turn later.
UNTIL_STORED = POINTS[: POINTS.index("before:store-secret")]
UNTIL_FINALIZED = POINTS[: POINTS.index("before:finalize")]


class MeddledWorld(World):
    """A process in whose midst other people act.

    Attributes:
        deeds: by checkpoint, what somebody does there, once.
        shows_at_once: whether the watches show it within the turn, as they may, or only after it.
    """

    def __init__(self, disk: Disk | None = None, *, shows_at_once: bool = False) -> None:
        self.deeds: dict[str, Callable[[], None]] = {}
        self.shows_at_once = shows_at_once
        super().__init__(disk)

    def _checkpoint(self, point: str) -> None:
        super()._checkpoint(point)
        if deed := self.deeds.pop(point, None):
            deed()
            self.woken.append(WEB)
            if self.shows_at_once:
                self.watch()

    def watch(self) -> None:
        """The watches show what there is and what is not there any more, and issuers have their turns."""
        known = {each.ref for each in (*self.cache.certificates(), *self.cache.issuers())}
        for ref in known - set(self.disk.objects.bodies):
            drop = self.cache.drop_certificate if ref.kind == "Certificate" else self.cache.drop_issuer
            drop(ref)
        self.see_all()
        for key in self.cache.target_keys():
            if key not in self.disk.secrets.bodies:
                self.cache.drop_target(key)
        for key, body in self.disk.secrets.bodies.items():
            if body["metadata"]["labels"].get(NAMES.secret_label) == NAMES.target:
                self.cache.put_target(key, read_target(body, NAMES))
        for ref in {CA, *(each.ref for each in self.cache.issuers())}:
            self.turn(ref)

    def live(self, most: int = 60) -> None:
        """Turn after turn with the watches in between, until the next look is half an hour away."""
        for _ in range(most):
            again = self.turn()
            self.watch()
            if WEB in self.woken:
                self.woken.clear()
                continue
            if again is None or again - self.clock() >= timedelta(minutes=30):
                return
            self.clock.now = max(self.clock.now, again)
        raise AssertionError("it does not come to rest")


def proving(way: str, *, shows_at_once: bool = False, **spec: Any) -> MeddledWorld:
    """The usual objects, with an issuer that proves in this way and whose account is open."""
    world = MeddledWorld(shows_at_once=shows_at_once)
    world.disk.apply_usual(**spec)
    world.disk.apply(CA, issuer_spec(solvers=[WAYS[way]]))
    world.watch()
    return world


def hold_proofs(world: World, *, held: bool = True) -> None:
    """Have no proof be seen, or have them be seen again: an order waits where its proofs are published."""
    world.disk.dns.blind = ("ns2",) if held else ()
    world.disk.web.blind = {"www.example.org"} if held else set()


def delete(disk: Disk, ref: Ref = WEB) -> None:
    """Somebody deletes an object."""
    del disk.objects.bodies[ref]


def facts(secret: Json) -> tuple[LeafFacts, KeyFacts]:
    """What stands in a target Secret."""
    leaf = read_leaf(secret_bytes(secret, "tls.crt") or b"")
    key = read_facts(secret_bytes(secret, "tls.key") or b"")
    assert leaf is not None
    assert key is not None
    return leaf, key


def stored(disk: Disk) -> LeafFacts:
    """The certificate in the target Secret, which belongs to the key beside it."""
    leaf, key = facts(disk.secrets.bodies[KEY])
    assert leaf.public_key_sha256 == key.public_key_sha256
    return leaf


def assert_nothing_left(disk: Disk) -> None:
    """No attempt, no TXT record, no row, no route."""
    left = (disk.attempts.stored, disk.dns.records, disk.web.rows, disk.web.routes)
    assert left == ({}, set(), {}, {})


def assert_well(world: World, *names: str) -> None:
    """Ready as the spec stands now, nothing failed, nothing left behind."""
    ready = world.condition("Ready")
    assert ready is not None
    assert ready[0] == "True", ready
    assert world.web.status.observed_generation == world.web.meta.generation
    assert world.web.status.failure is None
    assert stored(world.disk).dns_names == set(names or ("www.example.org",))
    assert_nothing_left(world.disk)
