"""HTTP-01, looked at as a CA looks: would it see exactly the proof, and if not, what instead?

`fetch_policy.py` has the rules, `fetch_verdict.py` the words, `http_fetch.py` the connections. Nothing is remembered
between two looks.

Addresses: A and AAAA are looked up once for each host of a look and then dialled as they are, whatever DNS says
next. The first IPv6 address is dialled; if it accepts no connection, the first IPv4 address, from the start. A server
that accepts and then fails is not passed over. After a redirect there is no second address.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.dns.addresses import HostLookup, Whereabouts
from certwright.dns.exchange import Ask, ask, bounded
from certwright.solver import fetch_policy
from certwright.solver.fetch_policy import RefusedError, Target
from certwright.solver.fetch_verdict import REDIRECTS, answer_difference, most_body
from certwright.solver.http_fetch import Answer, NoAnswerError, NoConnectionError, Patience, Request, fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certwright.settings import Network

log = logging.getLogger(__name__)

#: For each question to each name server, so that a second one can be asked in time.
DNS_SHARE = 5
_MEND_IPV6 = "CAs ask the IPv6 address first; correct or remove the AAAA record"
_OTHER_WAY = (
    "open it to everybody, since CAs come from anywhere; if only the outside can connect, selfCheck: Advise in the "
    "solver has the CA try"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a look found.

    Attributes:
        difference: the rest of a sentence on what the CA would find in place of the proof; "" if the proof.
        advice: what may go wrong all the same, or ""; helpful beside the CA's own refusal.
    """

    difference: str
    advice: str = ""


class Http01Check:
    """Looks at HTTP-01 proofs. Threads may share it."""

    def __init__(
        self,
        nameservers: tuple[str, ...] = (),
        *,
        timeout: timedelta = timedelta(seconds=10),
        http_port: int = 80,
        https_port: int = 443,
        permitted: tuple[Network, ...] = (),
        user_agent: str,
        seconds: Callable[[], float],
        ask: Ask = ask,
    ) -> None:
        """Make one.

        Args:
            nameservers: recursive servers as `host:port`; empty means the system's.
            timeout: for a whole look; half of it for each connection and each host's look-up.
            http_port: dialled where a URL means port 80.
            https_port: dialled where a URL means port 443.
            permitted: networks that are dialled although no public CA does.
            user_agent: as the CA has one.
            seconds: monotonic clock.
            ask: how a question is put to a name server.

        Raises:
            NeedsPerson: InvalidSpec, when a name server is not written as `host:port`.
        """
        HostLookup(nameservers)
        self._nameservers = nameservers
        self._timeout = timeout
        self._ports = {80: http_port, 443: https_port}
        self._permitted = permitted
        self._user_agent = user_agent
        self._seconds = seconds
        self._ask = ask

    def difference(self, host: str, token: str, key_authorization: str) -> str:
        """The rest of a sentence on what the CA would find in place of the proof; "" if the proof. Never raises."""
        return self.look(host, token, key_authorization).difference

    def look(self, host: str, token: str, key_authorization: str) -> Finding:
        """Look once, for `timeout` at most. Never raises."""
        half = self._timeout.total_seconds() / 2
        patience = Patience(self._seconds, self._seconds() + 2 * half, half)
        look = _Look(
            patience, self._permitted, self._ports, self._user_agent, key_authorization, self._locate
        )
        try:
            return look.at(fetch_policy.challenge_target(host, token))
        except Exception as bug:
            log.exception("the look at http-01 for %s failed", host)
            return Finding(f"the look at it failed ({type(bug).__name__})")

    def _locate(self, host: str, left: float) -> Whereabouts:
        limit = min(self._timeout / 2, timedelta(seconds=left))
        asking = bounded(self._ask, self._seconds, limit)
        return HostLookup(self._nameservers, self._timeout / DNS_SHARE, ask=asking).whereabouts(host)


class _DifferenceError(Exception):
    """The CA would see something else; the text is the rest of a sentence.

    Attributes:
        at_start: whether this was found before any redirect.
    """

    def __init__(self, message: str, *, at_start: bool = False) -> None:
        super().__init__(message)
        self.at_start = at_start


@dataclass(slots=True)
class _Look:
    """One look, with what it has found out about hosts."""

    patience: Patience
    permitted: Sequence[Network]
    ports: dict[int, int]
    user_agent: str
    key_authorization: str
    locate: Callable[[str, float], Whereabouts]
    located: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def at(self, start: Target) -> Finding:
        """Follow from here to the end, over IPv4 as well if nobody accepts a connection over IPv6."""
        try:
            addresses = self._addresses(start.host)
        except _DifferenceError as nowhere:
            return Finding(str(nowhere))
        unconnected: list[str] = []
        for address in addresses:
            try:
                self._follow(start, address)
            except NoConnectionError as failed:
                unconnected.append(str(failed))
            except _DifferenceError as found:
                to_mend = found.at_start and ":" in address and len(addresses) > 1
                return Finding("; ".join((*unconnected, str(found), *([_MEND_IPV6] if to_mend else []))))
            else:
                return Finding("", f"{unconnected[0]}; {_MEND_IPV6}" if unconnected else "")
        return Finding("; ".join((*dict.fromkeys(unconnected), _OTHER_WAY)))

    def _follow(self, target: Target, address: str) -> None:
        """Ask at `address` and wherever its answers lead; quiet if the proof is at the end."""
        who, answer = self._ask(target, (address,), "")
        seen, after = {target.url}, ""
        while answer.status in REDIRECTS and answer.location:
            target = _next(target, answer, who, seen)
            after = f"after a redirect to {target.shown}, "
            try:
                addresses = self._addresses(target.host)
            except _DifferenceError as nowhere:
                raise _DifferenceError(f"{after}{nowhere}") from None
            who, answer = self._ask(target, addresses, after)
        if found := answer_difference(answer.status, answer.body, self.key_authorization):
            raise _DifferenceError(f"{who} {found}", at_start=not after)

    def _ask(self, target: Target, addresses: Sequence[str], after: str) -> tuple[str, Answer]:
        """Who answered, as the beginning of a sentence, and what.

        Asks the first address; a further one only if this machine has no way to addresses like the first.
        """
        for address in addresses:
            who = f"{after}{address}"
            request = Request(
                address=address,
                port=self.ports[target.port],
                server_name=_server_name(target),
                authority=target.authority,
                path=target.path,
                most_body=most_body(self.key_authorization),
            )
            try:
                return who, fetch(request, self.user_agent, self.patience)
            except NoConnectionError as failed:
                failure = NoConnectionError(f"{who} {failed}")
                if not failed.no_way:
                    break
            except NoAnswerError as failed:
                raise _DifferenceError(f"{who} {failed}", at_start=not after) from None
        raise failure

    def _addresses(self, host: str) -> tuple[str, ...]:
        """One IPv6 and one IPv4 address to dial, as far as there are; looked up once in a look."""
        if host not in self.located:
            self.located[host] = self._find(host)
        return self.located[host]

    def _find(self, host: str) -> tuple[str, ...]:
        if fetch_policy.literal(host) is not None:
            there = Whereabouts((host,)) if fetch_policy.is_ipv6(host) else Whereabouts(ipv4=(host,))
        else:
            there = self.locate(host, self.patience.deadline - self.patience.seconds())
        if there.why:
            raise _DifferenceError(f"{fetch_policy.cut(host)} {there.why}")
        addresses = fetch_policy.dial_order(there.ipv6, there.ipv4, self.permitted)
        if not addresses:
            why = fetch_policy.why_not_dialled(there.ipv6, there.ipv4)
            raise _DifferenceError(f"{fetch_policy.cut(host)} {why}")
        return addresses


def _next(target: Target, answer: Answer, who: str, seen: set[str]) -> Target:
    """Where a redirect leads, noted as seen."""
    try:
        target = fetch_policy.redirect_target(target, answer.location)
    except RefusedError as refused:
        raise _DifferenceError(f"{who} {refused}") from None
    if target.url in seen:
        raise _DifferenceError(f"{who} redirects in a circle")
    if len(seen) > fetch_policy.MOST_REDIRECTS:
        raise _DifferenceError(
            f"{who} redirects on after {fetch_policy.MOST_REDIRECTS} redirects, and CAs follow no more"
        )
    seen.add(target.url)
    return target


def _server_name(target: Target) -> str | None:
    """For TLS; addresses are not sent (RFC 6066 §3)."""
    if target.scheme != "https":
        return None
    return target.host if fetch_policy.literal(target.host) is None else ""
