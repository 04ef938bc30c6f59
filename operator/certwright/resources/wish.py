"""What a CA is asked beyond names and key, and what a certificate does not show afterwards: profile and chain."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.resources.decoding import require
from certwright.resources.object_names import VISIBLE

if TYPE_CHECKING:
    from certwright.resources.certificate import CertificateSpec
    from certwright.resources.issuer import AcmeSpec

#: As much of a profile's name as is read of a directory.
LONGEST_PROFILE = 255
#: Upper bound of a common name (RFC 5280 appendix A.1, ub-common-name).
LONGEST_CHAIN_NAME = 64
NO_PROFILE = "write the name of a profile as the CA advertises it (status.acme.profiles of the issuer)"
NO_CHAIN_NAME = "write the common name of the CA certificate that the chain shall lead to"
#: In front of the hash, so that a later version may reckon it in another way without taking that for a change.
_VERSION = "v1-"
_CHAIN_NAME = re.compile(r"[^\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """Profile and chain.

    Attributes:
        profile: name of an ACME profile (draft-ietf-acme-profiles), or "" for the CA's usual one.
        preferred_chain: common name of whoever issued the topmost certificate of the chain, or "" for the usual one.
    """

    profile: str = ""
    preferred_chain: str = ""

    def __str__(self) -> str:
        parts = [f"profile {self.profile}"] if self.profile else []
        parts += [f"preferred chain {self.preferred_chain}"] if self.preferred_chain else []
        return " and ".join(parts) or "no profile and no preferred chain"

    @property
    def hash(self) -> str:
        """What stands beside the certificate; "" where nothing is wished, as beside those that knew of no wishes."""
        if self == Wish():
            return ""
        text = json.dumps([self.profile, self.preferred_chain])
        return f"{_VERSION}{hashlib.sha256(text.encode()).hexdigest()[:24]}"

    def differs_from(self, noted: str | None) -> bool:
        """Whether what was asked is known to be something else.

        Args:
            noted: the hash beside the certificate, "" if nothing was asked, None if nobody knows.
        """
        if noted is None or (noted and not noted.startswith(_VERSION)):
            return False
        return noted != self.hash


def wish_of(certificate: CertificateSpec, acme: AcmeSpec) -> Wish:
    """What is wished for a Certificate: its own words, and its issuer's where it has none."""
    return Wish(certificate.profile or acme.profile, certificate.preferred_chain or acme.preferred_chain)


def checked_profile(text: str | None, place: str) -> str:
    """A profile's name as written, "" where there is none; raises `Broken` if no CA can have it."""
    require(not text or VISIBLE.fullmatch(text), place, NO_PROFILE, text)
    return text or ""


def checked_chain_name(text: str | None, place: str) -> str:
    """A common name as written, "" where there is none; raises `Broken` if no certificate can have it."""
    require(not text or _CHAIN_NAME.fullmatch(text), place, NO_CHAIN_NAME, text)
    return text or ""
