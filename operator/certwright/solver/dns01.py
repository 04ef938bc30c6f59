"""DNS-01: where a proof goes, who writes it there, and who can see it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certwright.dns.memory import ShortMemory
from certwright.dns.provider import TxtRecord
from certwright.dns.providers.rfc2136 import Rfc2136
from certwright.dns.resolver import Resolvers
from certwright.dns.visibility import Visibility
from certwright.dns.zones import canonical_name
from certwright.failures import NeedsPerson
from certwright.resources.dns01_spec import CnameStrategy
from certwright.resources.secret_refs import blamed
from certwright.solver.proofs import dns01_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.dns.provider import TxtProvider
    from certwright.resources.attempt import Proof
    from certwright.resources.dns01_spec import Dns01Spec
    from certwright.resources.secret_refs import SecretKeyRef
    from certwright.secret_text import SecretText


#: Zones are cut seldom; a moved one is found again after this long.
ZONES_REMEMBERED = timedelta(minutes=5)


class Dns01:
    """The DNS-01 solver.

    Args:
        nameservers: recursive servers as `host:port`; empty means the system's.
        authoritative_port: where authoritative servers listen: 53 everywhere but in closed networks.
        timeout: that one question may take.
        seconds: monotonic clock.
    """

    def __init__(
        self,
        *,
        nameservers: tuple[str, ...],
        authoritative_port: int,
        timeout: timedelta,
        seconds: Callable[[], float],
    ) -> None:
        self._nameservers = nameservers
        self._timeout = timeout
        self._zones: ShortMemory[tuple[str, str], str] = ShortMemory(seconds, ZONES_REMEMBERED)
        self._visibility = Visibility(
            Resolvers(nameservers, timeout), authoritative_port, timeout, clock=seconds
        )

    def locate(self, spec: Dns01Spec, identifier: str) -> str:
        """Name at which the TXT record for `identifier` must be written."""
        name = dns01_name(identifier)
        if spec.cname_strategy is not CnameStrategy.FOLLOW:
            return name
        return canonical_name(name, Resolvers(spec.nameservers or self._nameservers, self._timeout))

    def open(self, spec: Dns01Spec, credential: Callable[[SecretKeyRef], SecretText]) -> TxtProvider:
        """The provider that a solver names, with its credentials read through `credential`."""
        rfc2136 = spec.rfc2136
        secret = credential(rfc2136.tsig_secret) if rfc2136.tsig_secret else None
        try:
            return Rfc2136(
                nameserver=rfc2136.nameserver,
                key_name=rfc2136.tsig_key_name or "",
                key_secret=secret,
                algorithm=rfc2136.tsig_algorithm.value,
                protocol=rfc2136.protocol.value,
                timeout=self._timeout,
                zones=self._zones,
            )
        except NeedsPerson as unusable:
            if rfc2136.tsig_secret is None:
                raise
            raise blamed(rfc2136.tsig_secret, unusable) from None

    def unseen(self, spec: Dns01Spec, proof: Proof) -> tuple[str, ...]:
        """Servers that do not show the proof yet."""
        return self._visibility.unseen(record_of(proof), spec.nameservers)


def record_of(proof: Proof) -> TxtRecord:
    """The TXT record of a proof."""
    return TxtRecord(proof.fqdn, proof.value)
