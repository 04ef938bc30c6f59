"""The way to the server that takes our updates: signed messages there, verified answers back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.message
import dns.query
import dns.tsig

from certwright.dns.endpoints import Endpoint, addresses_of
from certwright.dns.exchange import describe
from certwright.dns.providers.tsig import key_setback
from certwright.failures import NeedsPerson, Setback, TryLater

if TYPE_CHECKING:
    from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Channel:
    """One server, the key that we share with it (None: none) and the transport.

    Attributes:
        algorithm: of the key, in the words of the spec, for messages to people.
    """

    endpoint: Endpoint
    key: dns.tsig.Key | None
    algorithm: str
    over_tcp: bool
    timeout: timedelta

    @property
    def key_name(self) -> str:
        """The key's name for messages, without the trailing dot."""
        return "" if self.key is None else self.key.name.to_text(omit_final_dot=True)

    def send(self, message: dns.message.Message) -> dns.message.Message:
        """The server's verified answer to `message`, which is signed here. Every address is tried in turn.

        Raises:
            NeedsPerson: DNSCredentialsRefused, when the key is not accepted.
            TryLater: DNSProviderUnavailable, DNSLookupFailed, or DNSCredentialsRefused for a wrong clock.
        """
        if self.key is not None:
            message.use_tsig(self.key)
        failure: Setback = TryLater("DNSProviderUnavailable", f"{self.endpoint} has no address")
        for address in addresses_of(self.endpoint):
            try:
                response = self._exchange(message, address)
            except Exception as problem:  # noqa: BLE001  a hostile answer must not become a fault of ours
                failure = self._setback(problem)
                if isinstance(failure, NeedsPerson):
                    break
                continue
            if self.key is None or response.had_tsig:
                return response
            failure = self._unavailable("its answer is not signed")
        raise failure from None  # the problem's own text could quote the answer

    def _exchange(self, message: dns.message.Message, address: str) -> dns.message.Message:
        port, timeout = self.endpoint.port, self.timeout.total_seconds()
        if self.over_tcp:
            return dns.query.tcp(message, address, timeout, port)
        response, _ = dns.query.udp_with_fallback(message, address, timeout, port, ignore_unexpected=True)
        return response

    def _setback(self, problem: Exception) -> Setback:
        refused = key_setback(problem, str(self.endpoint), self.key_name, self.algorithm)
        check = (
            "check its address and port in the solver, and whether a network policy or firewall is in between"
        )
        return refused or self._unavailable(f"{describe(problem)}; {check}")

    def _unavailable(self, why: str) -> TryLater:
        transport = "TCP" if self.over_tcp else "UDP"
        return TryLater("DNSProviderUnavailable", f"name server {self.endpoint} over {transport}: {why}")
