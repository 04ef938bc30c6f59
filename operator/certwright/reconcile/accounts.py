"""ACME accounts that work, one for each ready issuer: who signs, where, and over which connection."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from certwright.acme.flow import drive
from certwright.acme.flows import fetch_directory
from certwright.acme.nonces import NoncePool
from certwright.acme.refusals import ProblemKind, Refused
from certwright.acme.wording import host_of
from certwright.failures import NotYet, Schedule, Setback, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from certwright.acme.flow import Flow, Request, Response, Transport
    from certwright.acme.flows import Conversation
    from certwright.acme.jws import AccountKey
    from certwright.acme.messages import Directory
    from certwright.reconcile.ports import Clock, Seconds
    from certwright.resources.issuer import AcmeSpec
    from certwright.resources.names import Ref

T = TypeVar("T")
#: Endpoints that no account uses are forgotten when there are so many in all.
MOST_UNUSED = 100
#: A directory that was read is believed for so long by issuers that open an account.
DIRECTORY_LIFE = timedelta(hours=12)


#: However many issuers ask whether a CA answers again, the CA is asked once in this time.
PROBE_PAUSE = timedelta(seconds=10)
#: A directory that lacks what somebody asks for is read anew, but not sooner than this after the last time.
DIRECTORY_DOUBT = timedelta(minutes=5)


#: Addresses that directories of one CA listed, which are recognized when nothing is there any more.
MOST_LISTED = 30
_NOTHING_THERE = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
#: Types of problems that come with a 404 where nothing is; any other type is an answer to what was asked.
_UNEXPLAINED = (ProblemKind.MALFORMED, ProblemKind.UNKNOWN)


class Moved(NotYet):
    """The CA's addresses changed: what asked by the old ones looks its account up by the new ones."""


class Authority:
    """One CA endpoint: its connection, its directory, its nonces. Shared by all issuers that name it."""

    def __init__(self, url: str, transport: Transport, clock: Clock, seconds: Seconds) -> None:
        self.url = url
        self.transport = transport
        self.nonces = NoncePool(seconds)
        self._clock = clock
        self._lock = Lock()
        self._directory: tuple[datetime, Directory] | None = None
        self._silent: tuple[datetime, Setback] | None = None
        self._doubted: datetime | None = None
        self._listed: dict[str, None] = {}
        self._reading_anew = Lock()

    def directory(self) -> Directory:
        """The directory, asked again when it is old."""
        now = self._clock()
        with self._lock:
            if self._directory and now - self._directory[0] < DIRECTORY_LIFE:
                return self._directory[1]
        directory = drive(fetch_directory(self.url), self.transport)
        self._keep(directory, now)
        return directory

    @property
    def profiles(self) -> Mapping[str, str]:
        """Names and descriptions of the profiles that the CA advertised last (draft-ietf-acme-profiles)."""
        with self._lock:
            return (self._directory[1].profiles if self._directory else None) or {}

    def doubt_directory(self, *, contradicted: bool = False) -> None:
        """The directory lacks what somebody asks for: read it anew, unless that was done or tried just now.

        However many ask, the CA is asked once in a while; if it does not answer, what it said last stands.

        Args:
            contradicted: the CA refused what its directory has, so that its age says nothing.
        """
        now = self._clock()
        with self._lock:
            read_at = None if contradicted or not self._directory else self._directory[0]
            if any(each is not None and now - each < DIRECTORY_DOUBT for each in (self._doubted, read_at)):
                return
            self._doubted = now
        with suppress(Setback):
            self._keep(drive(fetch_directory(self.url), self.transport), now)

    def probe(self) -> None:
        """Ask for the directory anew; raises the `Setback` of the last try while that was just now."""
        now = self._clock()
        with self._lock:
            silent = self._silent
        if silent is not None and now - silent[0] < PROBE_PAUSE:
            raise silent[1]
        try:
            directory = drive(fetch_directory(self.url), self.transport)
        except Setback as setback:
            with self._lock:
                self._silent = (now, setback)
            raise
        with self._lock:
            self._silent = None
        self._keep(directory, now)

    def ask(self, flow: Flow[T]) -> T:
        """Carry a conversation with this CA.

        Raises:
            Moved: the directory listed an address where nothing is, and lists another one now.
        """
        missing: list[str] = []

        def carry(request: Request, /) -> Response:
            response = self.transport(request)
            if response.status in _NOTHING_THERE and request.url in self._listed:
                missing.append(request.url)
            return response

        try:
            return drive(flow, carry)
        except Setback as setback:
            if not missing or (isinstance(setback, Refused) and setback.kind not in _UNEXPLAINED):
                raise
            raise self._missing(missing[-1], setback) from setback

    def _missing(self, url: str, setback: Setback) -> Setback:
        """What it means that nothing is at an address of the directory, which is read anew (RFC 8555 §7.1.1)."""
        # Whoever meets the same meanwhile waits for the answer.
        with self._reading_anew:
            if self._lists(url):
                self.doubt_directory(contradicted=True)
            if not self._lists(url):
                message = (
                    "the CA moved its addresses; its directory was read again, and what it lists now is used"
                )
                return Moved(Reason.REGISTERING.word, message)
        if isinstance(setback, Refused) and not setback.problem.type:
            # Not for whoever reads a 404 as an answer about an order.
            message = f"nothing is at an address that the directory of {host_of(self.url)} lists"
            return TryLater(Reason.CA_ERROR.word, message, schedule=Schedule.SLOW)
        return setback

    def _lists(self, url: str) -> bool:
        with self._lock:
            return self._directory is None or url in _endpoints(self._directory[1])

    def _keep(self, directory: Directory, now: datetime) -> None:
        with self._lock:
            self._directory = (now, directory)
            for url in _endpoints(directory):
                self._listed.pop(url, None)
                self._listed[url] = None
            for url in list(self._listed)[:-MOST_LISTED]:
                del self._listed[url]


def _endpoints(directory: Directory) -> tuple[str, ...]:
    return directory.new_nonce, directory.new_account, directory.new_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A working account of one issuer.

    Attributes:
        opened_at: when this process found or registered it.
        generation: of the issuer's spec that this account was opened for.
        key_version: uid and resourceVersion of the account key's Secret.
    """

    issuer: Ref
    issuer_uid: str
    generation: int
    key_version: str
    spec: AcmeSpec
    authority: Authority
    directory: Directory
    key: AccountKey
    conversation: Conversation
    url: str
    opened_at: datetime


class Accounts:
    """Thread-safe register of accounts by issuer, and of authorities by URL and trust."""

    def __init__(self, connect: Callable[[bytes | None], Transport], clock: Clock, seconds: Seconds) -> None:
        self._connect = connect
        self._clock = clock
        self._seconds = seconds
        self._lock = Lock()
        self._accounts: dict[Ref, Account] = {}
        self._authorities: dict[tuple[str, str], Authority] = {}
        self._registering: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)

    def get(self, issuer: Ref) -> Account | None:
        """The issuer's account, if it is open."""
        with self._lock:
            return self._accounts.get(issuer)

    def put(self, account: Account) -> None:
        """Open an account for an issuer, in place of an older one."""
        with self._lock:
            self._accounts[account.issuer] = account

    def drop(self, issuer: Ref) -> None:
        """Close it: the issuer is gone, changed, or its account was refused."""
        with self._lock:
            self._accounts.pop(issuer, None)

    def authority(self, url: str, ca_bundle: bytes | None) -> Authority:
        """The endpoint at `url`, trusted by `ca_bundle` or by the system's roots."""
        trust = hashlib.sha256(ca_bundle).hexdigest() if ca_bundle else ""
        with self._lock:
            known = self._authorities.get((url, trust))
            if known is None:
                self._forget_unused()
                known = Authority(url, self._connect(ca_bundle), self._clock, self._seconds)
                self._authorities[url, trust] = known
            return known

    def _forget_unused(self) -> None:
        """Each edit of a URL or bundle leaves an endpoint behind; so does each account key."""
        if len(self._authorities) >= MOST_UNUSED:
            used = {id(account.authority) for account in self._accounts.values()}
            self._authorities = {key: each for key, each in self._authorities.items() if id(each) in used}
        if len(self._registering) >= MOST_UNUSED:
            held = {key: lock for key, lock in self._registering.items() if lock.locked()}
            self._registering = defaultdict(Lock, held)

    def registering(self, url: str, thumbprint: str) -> Lock:
        """Held while a key is looked up and registered: two issuers with one key register once.

        Args:
            url: of the directory, whatever its query.
            thumbprint: of the account key.
        """
        with self._lock:
            return self._registering[account_home(url), thumbprint]


def account_home(url: str) -> str:
    """The directory `url` without its query: with their key, that is who an account is."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"
