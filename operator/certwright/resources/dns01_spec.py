"""The block `dns01` of a solver."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta, Struct

from certwright.resources.decoding import require
from certwright.resources.object_names import VISIBLE, check_server
from certwright.resources.secret_refs import SecretKeyRef, checked_key
from certwright.resources.self_check import SelfCheckText, check_self_check, parse_self_check

if TYPE_CHECKING:
    from certwright.resources.self_check import SelfCheck

_Server = Annotated[str, Meta(max_length=261)]


class CnameStrategy(Enum):
    """Whether the TXT record is written where `_acme-challenge` points to."""

    NONE = "None"
    FOLLOW = "Follow"


class TsigAlgorithm(Enum):
    """RFC 8945; names as cert-manager's."""

    HMACMD5 = "HMACMD5"
    HMACSHA1 = "HMACSHA1"
    HMACSHA256 = "HMACSHA256"
    HMACSHA512 = "HMACSHA512"


class Protocol(Enum):
    """By which updates are sent."""

    TCP = "TCP"
    UDP = "UDP"


class Rfc2136Spec(Struct, frozen=True, rename="camel", kw_only=True):
    """A name server that takes dynamic updates."""

    nameserver: _Server
    tsig_key_name: Annotated[str, Meta(max_length=255)] | None = None
    tsig_secret: SecretKeyRef | None = msgspec.field(name="tsigSecretSecretRef", default=None)
    tsig_algorithm: TsigAlgorithm = TsigAlgorithm.HMACSHA256
    protocol: Protocol = Protocol.TCP


class Dns01Spec(Struct, frozen=True, rename="camel", kw_only=True):
    """How DNS-01 is done."""

    rfc2136: Rfc2136Spec
    cname_strategy: CnameStrategy = CnameStrategy.NONE
    nameservers: Annotated[tuple[_Server, ...], Meta(max_length=10)] = ()
    self_check_text: SelfCheckText = msgspec.field(name="selfCheck", default="Require")

    @property
    def self_check(self) -> SelfCheck:
        """`selfCheck` as a value."""
        return parse_self_check(self.self_check_text)


def check_dns01(dns01: Dns01Spec, place: str) -> None:
    """Raises `Broken` unless every rule of the CRD is kept."""
    _check_rfc2136(dns01.rfc2136, f"{place}.rfc2136")
    for at, server in enumerate(dns01.nameservers):
        check_server(server, f"{place}.nameservers[{at}]")
    check_self_check(dns01.self_check_text, f"{place}.selfCheck")


def _check_rfc2136(rfc2136: Rfc2136Spec, place: str) -> None:
    check_server(rfc2136.nameserver, f"{place}.nameserver")
    together = (rfc2136.tsig_key_name is None) == (rfc2136.tsig_secret is None)
    require(together, place, "tsigKeyName and tsigSecretSecretRef belong together; set both or none")
    if rfc2136.tsig_key_name is not None and rfc2136.tsig_secret is not None:
        advice = "write the name of the key as the server's configuration has it"
        require(
            VISIBLE.fullmatch(rfc2136.tsig_key_name), f"{place}.tsigKeyName", advice, rfc2136.tsig_key_name
        )
        checked_key(rfc2136.tsig_secret, f"{place}.tsigSecretSecretRef")
