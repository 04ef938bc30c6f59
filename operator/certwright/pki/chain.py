"""Whether a CA's answer is the certificate that was asked. Nothing else is ever stored."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.failures import Schedule, TryLater
from certwright.pki.leaf import (
    LARGEST_CHAIN,
    UNREADABLE,
    LeafFacts,
    is_self_signed,
    issuer_common_name,
    leaf_facts,
)
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

#: Our clock and the CA's may differ; one that is off by more has other troubles, worth a sentence.
CLOCK_DIFFERENCE = timedelta(hours=1)
#: Public chains have two to four certificates.
LONGEST_CHAIN = 10
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----[^-]*-----END \1-----")
_NAMES_SHOWN = 5
_KINDS: dict[type, str] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "an IP address",
    x509.UniformResourceIdentifier: "a URI",
    x509.RFC822Name: "an e-mail address",
}


class Unusable(TryLater):
    """An answer that is not stored. It is tried again slowly, because every further try costs another certificate."""

    def __init__(self, why: str) -> None:
        message = f"the CA's answer cannot be used: {why}"
        super().__init__(Reason.UNUSABLE_CERTIFICATE.word, message, schedule=Schedule.SLOW)


class AnotherKey(Unusable):
    """It is somebody else's certificate, or one whose key was lost."""


@dataclass(frozen=True, slots=True)
class VerifiedChain:
    """An answer that may be stored."""

    chain_pem: str
    """Leaf first, then what leads to the root, which servers need not send (RFC 8446 §4.4.2)."""
    leaf: LeafFacts
    root_pem: str | None
    """The root, if the CA sent it."""
    leads_to: str
    """Common name of whoever issued the topmost certificate that was sent: what chains are told apart by."""
    lapsed: str
    """Position and end of the first CA certificate in it that is over already, or ""."""


def verify_answer(
    chain_pem: str, *, public_key_sha256: str, dns_names: Collection[str], now: datetime
) -> VerifiedChain:
    """Verify that `chain_pem` is a certificate for our key and exactly our names, with a chain that holds.

    Args:
        chain_pem: as the CA sent it.
        public_key_sha256: of the key that the CSR was made with.
        dns_names: that were asked.
        now: the present moment.

    Raises:
        Unusable: it is not; the sentence says what is wrong.
    """
    certificates = _in_order(_certificates(chain_pem), public_key_sha256)
    try:
        leaf = leaf_facts(certificates[0])
    except UNREADABLE:
        raise Unusable("its first certificate cannot be read") from None
    if leaf.public_key_sha256 != public_key_sha256:
        raise AnotherKey("it is for another key than ours")
    _check_names(leaf, frozenset(name.lower() for name in dns_names))
    _check_kinds(certificates[0])
    _check_purpose(certificates[0])
    _check_time(leaf, now)
    _check_signatures(certificates)
    leads_to, lapsed = _issuer_of(certificates[-1]), _lapsed(certificates[1:], now)
    root = certificates.pop() if len(certificates) > 1 and is_self_signed(certificates[-1]) else None
    return VerifiedChain(
        chain_pem="".join(_pem(each) for each in certificates),
        leaf=leaf,
        root_pem=_pem(root) if root else None,
        leads_to=leads_to,
        lapsed=lapsed,
    )


def origin_flaw(chain_pem: bytes) -> str:
    """Why a chain that somebody else stored cannot have come from a CA as it stands, or "".

    A leaf alone may be all that a private CA gives, so it passes.
    """
    if len(chain_pem) > LARGEST_CHAIN:
        return "is longer than 100 KiB"
    try:
        certificates = x509.load_pem_x509_certificates(chain_pem)
    except UNREADABLE:
        return "holds a certificate that cannot be read"
    if is_self_signed(certificates[0]):
        return "is self-signed, and not by a CA"
    position = _first_unsigned(certificates)
    return (
        f"has a chain that does not hold: certificate {position} is not signed by the next"
        if position
        else ""
    )


def _certificates(chain_pem: str) -> list[x509.Certificate]:
    """Certificates only, and nothing between them (RFC 8555 §9.1, §11.4)."""
    if len(chain_pem) > LARGEST_CHAIN:
        raise Unusable("it is longer than 100 KiB")
    if "PRIVATE KEY" in chain_pem:
        raise Unusable("it holds a private key")
    kinds = [block[1] for block in _BLOCK.finditer(chain_pem)]
    if not kinds:
        raise Unusable("it holds no certificate in PEM")
    if set(kinds) != {"CERTIFICATE"} or _BLOCK.sub("", chain_pem).strip():
        raise Unusable("it holds more than certificates")
    if len(kinds) > LONGEST_CHAIN:
        raise Unusable(f"it has {len(kinds)} certificates, more than {LONGEST_CHAIN}")
    try:
        return x509.load_pem_x509_certificates(chain_pem.encode())
    except UNREADABLE:
        raise Unusable("a certificate in it cannot be read") from None


def _in_order(certificates: list[x509.Certificate], public_key_sha256: str) -> list[x509.Certificate]:
    """Each certificate once, ours first and each signed by the next, where they can be put so.

    CAs must send them in this order (RFC 8555 §9.1), and TLS servers must as well (RFC 8446 §4.4.2); those that
    shuffle or repeat them are understood. What cannot be put in order stays as it is, to be refused.
    """
    rest = list(dict.fromkeys(certificates))
    chain = [each for each in rest if _is_for(each, public_key_sha256)][:1]
    while chain:
        rest.remove(chain[-1])
        signer = next((each for each in rest if not _first_unsigned([chain[-1], each])), None)
        if signer is None:
            break
        chain.append(signer)
    return chain if chain and not rest else list(dict.fromkeys(certificates))


def _is_for(certificate: x509.Certificate, public_key_sha256: str) -> bool:
    try:
        return leaf_facts(certificate).public_key_sha256 == public_key_sha256
    except UNREADABLE:
        return False


def _check_purpose(certificate: x509.Certificate) -> None:
    """A certificate that may sign others would make whoever serves it a CA (RFC 5280 §4.2.1.9)."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return
    if constraints.ca:
        raise Unusable("it is the certificate of a CA, not of a server")


def _check_names(leaf: LeafFacts, asked: frozenset[str]) -> None:
    missing, unasked = asked - leaf.dns_names, leaf.dns_names - asked
    if missing:
        raise Unusable(f"it does not cover {_listed(missing)}")
    if unasked:
        raise Unusable(f"it covers {_listed(unasked)}, which nobody asked for")


def _check_kinds(certificate: x509.Certificate) -> None:
    """Nothing but DNS names is ever asked for: an address or URI more would speak for somebody else."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    kinds = {_KINDS.get(type(name), "another kind of name") for name in names} - {"DNS"}
    if kinds:
        raise Unusable(f"beside DNS names it covers {' and '.join(sorted(kinds))}, which nobody asked for")


def _check_time(leaf: LeafFacts, now: datetime) -> None:
    if leaf.not_after <= now:
        raise Unusable(f"it expired at {leaf.not_after:%Y-%m-%dT%H:%M:%SZ}; compare the operator's clock")
    if leaf.not_before > now + CLOCK_DIFFERENCE:
        raise Unusable(
            f"it is not valid before {leaf.not_before:%Y-%m-%dT%H:%M:%SZ}; compare the operator's clock"
        )


def _issuer_of(certificate: x509.Certificate) -> str:
    try:
        return issuer_common_name(certificate)
    except UNREADABLE:
        return ""


def _lapsed(signers: list[x509.Certificate], now: datetime) -> str:
    """The first of the leaf's signers whose time is over."""
    for position, signer in enumerate(signers, start=2):
        try:
            end = signer.not_valid_after_utc
            if end <= now:
                return f"certificate {position}, which expired at {end:%Y-%m-%dT%H:%M:%SZ}"
        except UNREADABLE:
            continue
    return ""


def _check_signatures(certificates: list[x509.Certificate]) -> None:
    if position := _first_unsigned(certificates):
        raise Unusable(f"certificate {position} is not signed by certificate {position + 1}")


def _first_unsigned(certificates: list[x509.Certificate]) -> int:
    """Position, from 1, of the first certificate that the next one did not sign; 0 if there is none."""
    for position, (signed, signer) in enumerate(pairwise(certificates), start=1):
        try:
            signed.verify_directly_issued_by(signer)
        except (*UNREADABLE, InvalidSignature):
            return position
    return 0


def _listed(names: frozenset[str]) -> str:
    shown = sorted(names)[:_NAMES_SHOWN]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(ascii(name)[1:-1] for name in shown) + more


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
