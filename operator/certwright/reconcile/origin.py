"""Where the certificate in a Secret comes from, and whether that is where the spec says. Pure.

What we stored ourselves was verified, and the record beside it vouches for it. A certificate that somebody else
put there must speak for itself: by a CA, and by no staging CA where the issuer is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certwright.reconcile.observed import ReadyIssuer
from certwright.reconcile.ownership import is_ours

if TYPE_CHECKING:
    from certwright.reconcile.observed import Observed
    from certwright.reconcile.target import Target

#: In names of CA certificates: Let's Encrypt's "(STAGING) Pretend Pear X1", and "Fake LE Root X1" before 2021.
STAGING_CA = re.compile(r"\bstaging\b|\bfake le\b", re.IGNORECASE)
#: In URLs of directories: acme-staging-v02.api.letsencrypt.org, dv.acme-v02.test-api.pki.goog, api.test4.buypass.no.
STAGING_DIRECTORY = re.compile(r"staging|\btest", re.IGNORECASE)


def wrong_origin(seen: Observed) -> str:
    """What speaks against the origin of the stored certificate, or ""; what is not recorded is no evidence."""
    target = seen.target
    if target is None or target.leaf is None:
        return ""
    return _by_record(seen, target) or _by_itself(seen, target)


def _by_record(seen: Observed, target: Target) -> str:
    wanted = seen.certificate.spec.issuer_ref
    # A Secret that is taken over may come from another issuer, as long as that one asks the same CA.
    kind = target.issuer_kind or wanted.kind
    same_name = (target.issuer_name, kind) == (wanted.name, wanted.kind)
    if target.issuer_name and not same_name and (is_ours(seen, target) or not target.directory):
        return (
            f"the certificate came from {kind} {target.issuer_name}, "
            f"the spec names {wanted.kind} {wanted.name}"
        )
    if isinstance(seen.issuer, ReadyIssuer) and target.directory not in ("", seen.issuer.directory_url):
        return (
            f"the certificate came from {target.directory}, the issuer uses {seen.issuer.directory_url} now"
        )
    return ""


def _by_itself(seen: Observed, target: Target) -> str:
    if target.vouched:
        return ""
    if target.chain_flaw:
        return f"the certificate {target.chain_flaw}"
    signer = target.leaf.issuer_common_name or "" if target.leaf else ""
    if (
        isinstance(seen.issuer, ReadyIssuer)
        and STAGING_CA.search(signer)
        and not STAGING_DIRECTORY.search(seen.issuer.directory_url)
    ):
        return (
            f"the certificate came from the staging CA {signer}, the issuer uses {seen.issuer.directory_url}"
        )
    return ""
