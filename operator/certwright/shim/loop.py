"""One turn for one object that asks for certificates: plan on what is known, do what is planned anew on live facts.

Nothing is written on cached knowledge: whoever asks is read live, and so is each Certificate that would be touched.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from certwright.engine.fence import NotLeading
from certwright.failures import NeedsPerson, NotYet, TryLater
from certwright.resources.conditions import Reason
from certwright.resources.json_values import list_of, mapping_of, text_of
from certwright.resources.names import Ref
from certwright.shim.applicant import CERT_MANAGER
from certwright.shim.kinds import GROUPS, KINDS
from certwright.shim.made import read_made
from certwright.shim.plan import Facts, Plan, Remark, plan
from certwright.shim.wanted import Wanted, manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from certwright.shim.applicant import Applicant, Options
    from certwright.shim.backlog import Backlog
    from certwright.shim.made import Made
    from certwright.shim.ports import Certificates, Json, Objects, Secrets
    from certwright.shim.register import Register
    from certwright.shim.teller import Teller

log = logging.getLogger(__name__)

#: Seconds that one turn may work on its blocks, half of them reading; an Ingress has room for thousands.
TURN_SECONDS = 15.0
#: What stands in the way and is not watched, such as cert-manager's Secret, is looked at again after this long.
OBSTACLE_LOOK = timedelta(minutes=10)
#: A mistake is only told again, see `teller.RETOLD`; a correction wakes us.
MISTAKE_LOOK = timedelta(hours=1, minutes=2)
_UNWATCHED = frozenset(
    reason.word
    for reason in (Reason.MANAGED_BY_CERT_MANAGER, Reason.CERTIFICATE_CONFLICT, Reason.CERTIFICATE_REFUSED)
)


@dataclass(slots=True)
class _Done:
    """What came of the writes of a turn.

    Attributes:
        moved: what changed since it was read, and so was not written.
        left: the first name that there was no time for, and so were those after it.
        setback: what ended the turn early.
    """

    made: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: list[Remark] = field(default_factory=list)
    moved: list[str] = field(default_factory=list)
    left: str = ""
    setback: TryLater | None = None

    @property
    def got_on(self) -> bool:
        """Whether anything was done."""
        return bool(self.made or self.changed or self.removed)


@dataclass(slots=True)
class _Looked:
    """What was read live of what a turn would touch.

    Attributes:
        made, taken, cert_managers, cluster_issuers: as in `Facts`, and better known.
        read: in the order of this turn, whether a name was read; the others are left for the next turn.
        setback: what ended the reading early.
    """

    made: dict[str, Made]
    taken: dict[str, str]
    cluster_issuers: dict[str, bool]
    cert_managers: set[str] = field(default_factory=set)
    read: dict[str, bool] = field(default_factory=dict)
    setback: TryLater | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimLoop:
    """Keeps Certificates as the objects ask that they were made for; safe for different objects at the same time.

    Attributes:
        seconds: monotonic clock.
        leaving: whether the process is about to end, so that nothing more is begun.
    """

    register: Register
    options: Options
    objects: Objects
    certificates: Certificates
    secrets: Secrets
    teller: Teller
    backlog: Backlog
    checkpoint: Callable[[str], None]
    clock: Callable[[], datetime]
    seconds: Callable[[], float]
    leaving: Callable[[], bool]

    def turn(self, ref: Ref) -> datetime | None:
        """Bring one object's Certificates to what it asks; returns when to look again, None for "on change"."""
        it = self.register.applicant(ref)
        if it is None and not self.register.made_for(ref):
            self._forget(ref)
            return None
        if it is not None:
            found = plan(it, self._known(it), self.options)
            if not found.writes:
                return self._tell(it, found, _Done())
        began = self.seconds()
        it = self._live(ref)
        if it is None:
            self._forget(ref)
            return None  # what was made for it is deleted with it
        facts, looked = self._live_facts(it, until=began + TURN_SECONDS / 2)
        found = plan(it, facts, self.options)
        done = self._perform(it, found, looked.read, until=began + TURN_SECONDS)
        done.setback = done.setback or looked.setback
        return self._tell(it, found, done)

    def _forget(self, ref: Ref) -> None:
        self.teller.forget(ref)
        self.backlog.forget(ref)

    def _live(self, ref: Ref) -> Applicant | None:
        body = self.objects.read(ref)
        it = KINDS[ref.kind].read(body, self.options) if body is not None else None
        if it is not None and self.options.concern_us(it.annotations):
            self.register.put_applicant(it)
        else:
            self.register.drop_applicant(ref)
        return it

    def _known(self, it: Applicant) -> Facts:
        """What the watches have shown."""
        made = self._owned(it, self.register.made_for(it.ref))
        taken, older = {}, {}
        for name in it.secret_names - made.keys():
            other = self.register.made((it.ref.namespace, name))
            if other is not None:
                taken[name] = f"made for {other.owner}"
            elif (first := self.register.first_claimant(it, name)) is not None:
                older[name] = first
        return Facts(made=made, taken=taken, older=older, cluster_issuers=self.register.cluster_issuers())

    def _owned(self, it: Applicant, made: Mapping[str, Made]) -> dict[str, Made]:
        """Those that this very object controls, and those of one before it, which are about to be collected."""
        return {
            name: each if each.owner_uid == it.meta.uid else replace(each, going=True)
            for name, each in made.items()
        }

    def _live_facts(self, it: Applicant, until: float) -> tuple[Facts, _Looked]:
        """The same, with what would be touched read live as far as there is time."""
        facts = self._known(it)
        draft = plan(it, facts, self.options)
        touched = [*(each.name for each in draft.apply), *(each.ref.name for each in draft.remove)]
        looked = _Looked(dict(facts.made), dict(facts.taken), dict(facts.cluster_issuers))
        failed: dict[str, bool] = {}  # goes behind the others, which it must not hold up
        for name in self.backlog.in_turn(it.ref, touched):
            looked.read[name] = looked.setback is None and not self._is_over(until)
            if not looked.read[name]:
                continue
            try:
                self._look(it, name, looked)
            except TryLater as setback:
                looked.setback = setback
                failed[name] = False
                del looked.read[name]
        looked.read |= failed
        live = replace(
            facts,
            made=looked.made,
            taken=looked.taken,
            cert_managers=frozenset(looked.cert_managers),
            cluster_issuers=looked.cluster_issuers,
        )
        return live, looked

    def _look(self, it: Applicant, name: str, looked: _Looked) -> None:
        """Read the Certificate of one name, or, where there is none, whose its Secret is."""
        ref = Ref("Certificate", it.ref.namespace, name)
        body = self.objects.read(ref)
        looked.made.pop(name, None)
        found = self._note(ref, body)
        if body is None:
            if self._is_cert_managers(it.ref.namespace, name):
                looked.cert_managers.add(name)
        elif found is None or found.owner != it.ref:
            looked.taken[name] = f"made for {found.owner}" if found else "not made for an Ingress"
        else:
            looked.made |= self._owned(it, {name: found})
            self._look_for_issuer(found, looked.cluster_issuers)

    def _note(self, ref: Ref, body: Json | None) -> Made | None:
        found = read_made(body, self.options.names, GROUPS) if body is not None else None
        if found is None:
            self.register.drop_made(ref)
        else:
            self.register.put_made(found)
        return found

    def _look_for_issuer(self, made: Made, known: dict[str, bool]) -> None:
        """An issuer that a default chose is given up only after a live look."""
        kind, name = made.issuer
        if (
            not made.by_default
            or kind != "ClusterIssuer"
            or name in known
            or not self.options.cluster_issuers
        ):
            return
        body = self.objects.read(Ref(kind, "", name))
        if body is not None:
            known[name] = mapping_of(body.get("spec")).get("default") is True
            self.register.put_cluster_issuer(name, is_default=known[name])

    def _is_cert_managers(self, namespace: str, name: str) -> bool:
        """Whether a Secret is cert-manager's, and nobody handed it over to us."""
        names = self.options.names
        if names.group == CERT_MANAGER:
            return False
        metadata = mapping_of((self.secrets.read(namespace, name) or {}).get("metadata"))
        annotations = mapping_of(metadata.get("annotations"))
        if annotations.get(names.adopt) == "true":
            return False
        owners = (
            text_of(mapping_of(owner).get("apiVersion")) for owner in list_of(metadata.get("ownerReferences"))
        )
        return f"{CERT_MANAGER}/certificate-name" in annotations or any(
            owner.startswith(f"{CERT_MANAGER}/") for owner in owners
        )

    # Doing

    def _perform(self, it: Applicant, found: Plan, read: dict[str, bool], until: float) -> _Done:
        """New Certificates first, then those that go; one that is refused does not hold up the others.

        Args:
            read: in the order of this turn, whether a name was read live; the others are left for the next turn.
        """
        done = _Done()
        writes = {each.name: partial(self._apply, it, each, done) for each in found.apply}
        writes |= {each.ref.name: partial(self._remove, each, done) for each in found.remove}
        for name in dict.fromkeys((*read, *writes)):
            if not read.get(name) or self._is_over(until) or done.setback:
                done.left = name
                break
            if name in writes:
                self._attempt(done, name, writes[name])
        self.backlog.leave(it.ref, done.left)
        return done

    def _is_over(self, until: float) -> bool:
        """Whether nothing more is to be begun in this turn."""
        return self.leaving() or self.seconds() > until

    def _attempt(self, done: _Done, name: str, write: Callable[[], None]) -> None:
        try:
            write()
        except NotLeading:
            raise
        except NotYet as moved:
            done.moved.append(moved.message)
        except TryLater as setback:
            done.setback = setback  # what was done is told first, and the next turn begins behind this name
        except NeedsPerson as refused:
            message = f"the API server refused Certificate {name}: {refused.message}; it is tried again"
            done.refused.append(Remark(Reason.CERTIFICATE_REFUSED.word, message))

    def _apply(self, it: Applicant, wanted: Wanted, done: _Done) -> None:
        before = wanted.replaces.meta if wanted.replaces else None
        self.checkpoint("before:apply-certificate")
        body = self.certificates.apply(manifest(wanted, it, self.options.names), replaces=before)
        self.checkpoint("after:apply-certificate")
        self._note(Ref("Certificate", it.ref.namespace, wanted.name), body)
        (done.changed if before else done.made).append(wanted.name)

    def _remove(self, made: Made, done: _Done) -> None:
        self.checkpoint("before:delete-certificate")
        self.certificates.delete(made.ref, meta=made.meta)
        self.checkpoint("after:delete-certificate")
        self.register.drop_made(made.ref)
        done.removed.append(made.ref.name)

    def _tell(self, it: Applicant, found: Plan, done: _Done) -> datetime | None:
        for reason, names in (
            (Reason.CREATE_CERTIFICATE, done.made),
            (Reason.UPDATE_CERTIFICATE, done.changed),
            (Reason.DELETE_CERTIFICATE, done.removed),
        ):
            if names:
                log.info(
                    "done", extra={"object": str(it.ref), "action": reason.word, "names": ", ".join(names)}
                )
            self.teller.tell_done(it, reason, names)
        remarks = [*found.remarks, *done.refused]
        self.teller.tell_mistakes(it, remarks)
        if done.setback:
            raise done.setback
        if done.moved or done.left:
            pause = self.backlog.pause(it.ref, got_on=done.got_on)
            if done.moved:
                facts = {"object": str(it.ref), "why": done.moved[0], "retry_in": pause.total_seconds()}
                log.info("changed meanwhile, tried again", extra=facts)
            return self.clock() + pause
        self.backlog.forget(it.ref)
        if any(each.reason in _UNWATCHED for each in remarks):
            return self.clock() + OBSTACLE_LOOK
        return self.clock() + MISTAKE_LOOK if remarks else None
