"""TSIG keys (RFC 8945) from what stands in a spec and a Secret, and what a server may have against them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import dns.name
import dns.tsig

from certwright.dns.names import read_name
from certwright.failures import NeedsPerson, Setback, TryLater

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.secret_text import SecretText

#: The words of the spec; they are cert-manager's.
ALGORITHMS: Mapping[str, dns.name.Name] = {
    "HMACMD5": dns.tsig.HMAC_MD5,
    "HMACSHA1": dns.tsig.HMAC_SHA1,
    "HMACSHA256": dns.tsig.HMAC_SHA256,
    "HMACSHA512": dns.tsig.HMAC_SHA512,
}


def read_key(name: str, secret: SecretText, algorithm: str) -> dns.tsig.Key:
    """A key that dnspython can sign with.

    Raises:
        NeedsPerson: CredentialInvalid, when the secret is not base64; InvalidSpec for an unknown algorithm.
    """
    if algorithm not in ALGORITHMS:
        raise NeedsPerson(
            "InvalidSpec", f"{algorithm!r} is not a TSIG algorithm; write one of {', '.join(ALGORITHMS)}"
        )
    try:
        octets = base64.b64decode("".join(secret.reveal().split()), validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not octets:
        # Without a cause: its traceback could show what was decoded.
        raise NeedsPerson(
            "CredentialInvalid",
            f"the secret of TSIG key {name} is not base64; store the text between the quotes of the server's "
            'key { secret "…"; }',
        ) from None
    # Key names are compared in lower case (RFC 8945 §4.3.3).
    return dns.tsig.Key(read_name(name.lower()), octets, ALGORITHMS[algorithm])


def key_setback(problem: Exception, server: str, key_name: str, algorithm: str) -> Setback | None:
    """What the server, or our check of its signature, has against the key; None when it is something else."""
    match problem:
        case dns.tsig.PeerBadKey():
            return NeedsPerson(
                "DNSCredentialsRefused",
                f"{server} knows no TSIG key {key_name} with algorithm {algorithm} (BADKEY); "
                "compare the key's name and algorithm with the server's",
            )
        case dns.tsig.PeerBadSignature() | dns.tsig.BadSignature():
            return NeedsPerson(
                "DNSCredentialsRefused",
                f"{server} has another secret for TSIG key {key_name} (BADSIG); compare the two",
            )
        case dns.tsig.PeerBadTime() | dns.tsig.BadTime():
            # Time servers set clocks right by themselves, so it is tried again soon.
            return TryLater(
                "DNSCredentialsRefused",
                f"the clock of {server} and ours differ by more than 5 minutes (BADTIME); set them right",
            )
        case dns.tsig.PeerError() | dns.tsig.BadKey() | dns.tsig.BadAlgorithm():
            return NeedsPerson(
                "DNSCredentialsRefused",
                f"{server} and we do not agree on TSIG key {key_name} ({type(problem).__name__}); "
                "compare name, algorithm and secret with the server's",
            )
        case _:
            return None
