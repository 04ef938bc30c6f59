"""Conversations with a CA (RFC 8555 §7, RFC 9773 §4): what to ask, in which order, and what was learned."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import msgspec
from josepy.b64 import b64encode

from certwright.acme import reading
from certwright.acme.flow import Flow, Request, Response
from certwright.acme.headers import links_of, nonce_of, retry_after_of
from certwright.acme.messages import ChainOffer
from certwright.acme.refusals import ProblemKind, Refused, setback_from_problem
from certwright.acme.wording import NotUnderstood, host_of, https_url
from certwright.failures import NeedsPerson, Schedule, Setback, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certwright.acme.jws import AccountKey
    from certwright.acme.messages import (
        Account,
        Authorization,
        Challenge,
        Directory,
        Order,
        RenewalInfo,
    )
    from certwright.acme.nonces import NoncePool

#: A CA of several servers that do not know each other's nonces refuses the more the more there are: of requests to a CA
#: that refuses half, one in a million fails, and of those to one that refuses two in three, one in three thousand.
NONCE_TRIES = 20
#: Seconds after which a request is not sent once more, so that a slow CA cannot hold a worker for the sum of its tries.
NONCE_PATIENCE = 30.0
#: A chain is 3 to 10 KiB.
LARGEST_CHAIN = 100 * 1024
#: A CA has a few roots; each chain more is one request more for a certificate.
MOST_ALTERNATES = 8
#: POST-as-GET has a payload of nothing, which is not the same as `{}` (RFC 8555 §6.3).
AS_GET = b""
_SPOKEN = {"accept-language": "en"}
_JSON = {"accept": "application/json, application/problem+json;q=0.9", **_SPOKEN}
_JOSE = {**_JSON, "content-type": "application/jose+json"}
_CHAIN = {**_JOSE, "accept": "application/pem-certificate-chain"}
_REDIRECTS = 300
_REFUSALS = 400
#: Client errors that say nothing of the address: the CA is busy (RFC 9110 §15.5.9, RFC 6585 §4).
_NOTHING_THERE = frozenset(range(400, 500)) - {408, 429}
_WRONG_SERVER = "write the URL of the CA's ACME directory into spec.acme.server"


def fetch_directory(url: str) -> Flow[Directory]:
    """The CA's addresses and what it says of itself (RFC 8555 §7.1.1)."""
    try:
        response = yield from _get(https_url(url, "the directory"))
        return reading.read_directory(response, url)
    except Refused as refused:
        if refused.status in _NOTHING_THERE:
            refused.message = f"{refused.message}; {_WRONG_SERVER}"
        raise
    except NotUnderstood as odd:
        raise NotUnderstood(f"{odd.message}; {_WRONG_SERVER}") from None


def fetch_renewal_info(directory: Directory, certificate_id: str) -> Flow[RenewalInfo]:
    """When the CA suggests to renew the certificate of this id (RFC 9773 §4.1); asked without a signature.

    Raises:
        NotUnderstood: the CA has no renewal information, or its window is unusable.
    """
    if directory.renewal_info is None:
        raise NotUnderstood(f"the CA at {host_of(directory.url)} offers no renewal information")
    response = yield from _get(f"{directory.renewal_info.rstrip('/')}/{certificate_id}")
    return reading.read_renewal_info(response)


def _get(url: str) -> Flow[Response]:
    return _accepted((yield Request("GET", url, _JSON)), url)


def _accepted(response: Response, url: str) -> Response:
    """`response` itself if it is a success.

    Raises:
        Refused: it is not.
        NotUnderstood: it is a redirect, which no request of ACME may follow unseen.
    """
    if response.status >= _REFUSALS:
        raise setback_from_problem(
            reading.read_problem(response),
            status=response.status,
            retry_after=retry_after_of(response),
            links=links_of(response),
        )
    if response.status >= _REDIRECTS:
        raise NotUnderstood(f"{host_of(url)} redirects (HTTP {response.status}); redirects are not followed")
    return response


class Conversation:
    """What one account says to one CA. Keeps nothing but the account's URL and unused nonces.

    Every method is a flow; each may raise `Refused`, `NotUnderstood` and whatever the transport raises.
    """

    def __init__(
        self, directory: Directory, nonces: NoncePool, key: AccountKey, account_url: str | None = None
    ) -> None:
        self.directory = directory
        self.account_url = account_url
        self._nonces = nonces
        self._key = key

    def find_account(self) -> Flow[Account | None]:
        """The account of our key, or None if the CA knows none (RFC 8555 §7.3.1). Creates nothing."""
        try:
            return (yield from self._ask_for_account({"onlyReturnExisting": True}))
        except Refused as refused:
            if refused.kind is ProblemKind.ACCOUNT_DOES_NOT_EXIST:
                return None
            raise

    def register(
        self,
        contact: Sequence[str],
        terms_agreed: bool,  # noqa: FBT001  a field of the message, in the message's order
        eab: Mapping[str, str] | None = None,
    ) -> Flow[Account]:
        """Make an account, or find the one that our key has already (RFC 8555 §7.3).

        Args:
            contact: addresses as URLs, `mailto:` included.
            terms_agreed: a person agreed to the CA's terms of service; said to the CA only then.
            eab: from `jws.external_account_binding`.

        Raises:
            NeedsPerson: among others, when the external account binding was refused.
        """
        payload: dict[str, Any] = {"contact": list(contact)} if contact else {}
        payload |= {"termsOfServiceAgreed": True} if terms_agreed else {}
        payload |= {"externalAccountBinding": eab} if eab is not None else {}
        try:
            return (yield from self._ask_for_account(payload))
        except Refused as refused:
            if eab is not None and self._is_about_binding(refused):
                raise NeedsPerson(
                    Reason.EXTERNAL_ACCOUNT_REQUIRED.word,
                    "compare spec.acme.externalAccountBinding and its Secret with what the CA gave you; "
                    f"{refused.message}",
                    problem_type=refused.problem_type,
                ) from refused
            raise

    def _is_about_binding(self, refused: Refused) -> bool:
        """Whether a binding was refused, where one was sent: no type of problem is for it alone (RFC 8555 §7.3.4)."""
        if refused.kind is ProblemKind.BAD_SIGNATURE_ALGORITHM:
            return self._key.algorithm in refused.problem.algorithms  # so that it must be the MAC's
        return refused.kind in {ProblemKind.UNAUTHORIZED, ProblemKind.MALFORMED}

    def update_contact(self, contact: Sequence[str]) -> Flow[Account]:
        """Replace the account's contacts (RFC 8555 §7.3.2). The CA may drop them."""
        url = self._account()
        response = yield from self._post(url, {"contact": list(contact)})
        return reading.read_account(response, url)

    def new_order(
        self,
        names: Collection[str],
        replaces: str | None = None,
        *,
        profile: str = "",
        not_after: datetime | None = None,
    ) -> Flow[Order]:
        """Order a certificate for DNS `names` (RFC 8555 §7.4).

        Args:
            names: A-labels; sent in lower case, sorted, each once.
            replaces: id of the certificate that this one replaces (RFC 9773 §5); left out where the CA
                offers no renewal information.
            profile: one that the CA advertises (draft-ietf-acme-profiles); "" leaves it to the CA.
            not_after: when the certificate shall end, an aware moment, sent in whole seconds.

        Raises:
            Refused: `ALREADY_REPLACED` among others; then the order may be asked again without `replaces`.
        """
        identifiers = [{"type": "dns", "value": name} for name in sorted({name.lower() for name in names})]
        payload: dict[str, Any] = {"identifiers": identifiers}
        if replaces and self.directory.renewal_info:
            payload["replaces"] = replaces
        if profile:
            payload["profile"] = profile
        if not_after is not None:
            payload["notAfter"] = not_after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        response = yield from self._post(self.directory.new_order, payload)
        return reading.read_order(response, _location(response, "the order"))

    def fetch_order(self, url: str) -> Flow[Order]:
        """The order as it stands now."""
        return reading.read_order((yield from self._post(url, None)), url)

    def fetch_authorization(self, url: str) -> Flow[Authorization]:
        """The authorization as it stands now, with its challenges (RFC 8555 §7.5)."""
        return reading.read_authorization((yield from self._post(url, None)), url)

    def answer_challenge(self, url: str) -> Flow[Challenge]:
        """Tell the CA that the proof is in place (RFC 8555 §7.5.1). Poll the authorization afterwards."""
        return reading.read_challenge((yield from self._post(url, {})))

    def deactivate_authorization(self, url: str) -> Flow[None]:
        """Give up an authorization that nobody will prove any more (RFC 8555 §7.5.2)."""
        yield from self._post(url, {"status": "deactivated"})

    def finalize(self, finalize_url: str, order_url: str, csr_der: bytes) -> Flow[Order]:
        """Send the CSR of an order that is `ready` (RFC 8555 §7.4).

        Raises:
            Refused: `ORDER_NOT_READY` among others; then the order must be fetched again.
        """
        response = yield from self._post(finalize_url, {"csr": b64encode(csr_der).decode()})
        return reading.read_order(response, order_url)

    def download(self, certificate_url: str) -> Flow[str]:
        """The certificate and its chain as the CA sends them (RFC 8555 §7.4.2); not verified yet."""
        return (yield from self.chain_offer(certificate_url)).pem

    def chain_offer(self, certificate_url: str) -> Flow[ChainOffer]:
        """The same, and the addresses of other chains for the certificate."""
        response = yield from self._post(certificate_url, None, _CHAIN)
        return ChainOffer(_chain(response), _alternates(response, certificate_url))

    def _ask_for_account(self, payload: Mapping[str, Any]) -> Flow[Account]:
        """Ask newAccount, which names the key itself, and remember the account's URL."""
        body = msgspec.json.encode(payload)
        response = yield from self._send(self.directory.new_account, body, None, _JOSE)
        account = reading.read_account(response, _location(response, "the account"))
        self.account_url = account.url
        return account

    def _account(self) -> str:
        if self.account_url is None:
            raise NeedsPerson(Reason.ACCOUNT_REFUSED.word, "there is no account at this CA yet")
        return self.account_url

    def _post(
        self, url: str, payload: Mapping[str, Any] | None, headers: Mapping[str, str] = _JOSE
    ) -> Flow[Response]:
        """POST `payload` in the account's name, or fetch with its signature if `payload` is None."""
        body = AS_GET if payload is None else msgspec.json.encode(payload)
        return (yield from self._send(url, body, self._account(), headers))

    def _send(self, url: str, body: bytes, kid: str | None, headers: Mapping[str, str]) -> Flow[Response]:
        """POST `body` as a JWS and return the success.

        A stale nonce is normal traffic, not an error: "a client SHOULD retry the request using the new nonce"
        (RFC 8555 §6.5).
        """
        https_url(url, "a resource")
        nonce, until = self._nonces.take(), self._nonces.seconds() + NONCE_PATIENCE
        for _ in range(NONCE_TRIES):
            nonce = nonce or (yield from self._fresh_nonce())
            response = yield Request("POST", url, headers, self._key.sign(body, url, nonce, kid))
            nonce = nonce_of(response)
            if not _nonce_was_stale(response) or self._nonces.seconds() >= until:
                break
        self._nonces.keep(nonce)
        return _accepted(response, url)

    def _fresh_nonce(self) -> Flow[str]:
        """Ask for a nonce (RFC 8555 §7.2)."""
        url = self.directory.new_nonce
        nonce = nonce_of(_accepted((yield Request("HEAD", url, _SPOKEN)), url))
        if nonce is None:
            raise NotUnderstood(f"{host_of(url)} gave no nonce")
        return nonce


def _nonce_was_stale(response: Response) -> bool:
    if response.status < _REFUSALS:
        return False
    return ProblemKind(reading.read_problem(response).type) is ProblemKind.BAD_NONCE


def _location(response: Response, what: str) -> str:
    return https_url(response.headers.get("location"), what)


def _chain(response: Response) -> str:
    """The PEM of an answer that may be a chain."""
    if len(response.body) > LARGEST_CHAIN:
        raise _not_a_chain("it is longer than 100 KiB")
    if b"PRIVATE KEY" in response.body:
        # "clients MUST verify" that no such thing is planted on whoever serves the file (RFC 8555 §11.4).
        raise _not_a_chain("it holds a private key")
    try:
        return response.body.decode("ascii")
    except UnicodeDecodeError:
        raise _not_a_chain("it is no PEM") from None


def _alternates(response: Response, certificate_url: str) -> tuple[str, ...]:
    """Where other chains are; an address that may not be asked is passed over, since the chain at hand is good."""
    found: dict[str, None] = {}
    for link in links_of(response).get("alternate", ()):
        try:
            url = https_url(urljoin(certificate_url, link), "a chain")  # may be relative (RFC 8288 §3.1)
        except (Setback, ValueError):
            continue
        if url != certificate_url:
            found[url] = None
    return tuple(found)[:MOST_ALTERNATES]


def _not_a_chain(why: str) -> TryLater:
    return TryLater(
        Reason.UNUSABLE_CERTIFICATE.word,
        f"the CA's answer is not a certificate chain: {why}",
        schedule=Schedule.SLOW,
    )
