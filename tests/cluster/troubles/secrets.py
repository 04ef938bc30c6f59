"""Troubles with the Secret that the certificate is to be stored in."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.cluster.troubles.trouble import Chapter, Trouble
from tests.kit.nameserver import new_tsig_secret

if TYPE_CHECKING:
    from tests.cluster.troubles.shop import Shop


def _kept(shop: Shop, kind: str, **data: str) -> dict[str, Any]:
    metadata = {"name": "web-tls", "namespace": shop.namespace}
    encoded = {key.replace("_", "."): base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": encoded}


def _spoil(shop: Shop) -> None:
    """The DNS server does not know the key any more, and somebody edits the certificate."""
    shop.apply(shop.dns_key(stringData={"secret": new_tsig_secret()}))
    shop.patch_secret("web-tls", tls_crt=b"oops")


def _call(shop: Shop) -> None:
    """The same, and the certificate is due."""
    shop.apply(shop.dns_key(stringData={"secret": new_tsig_secret()}))
    shop.bench.pebble.call_for_renewal(shop.secret("web-tls")["tls.crt"].decode())


SECRETS = (
    Trouble(
        name="secret-of-others",
        title="The Secret exists and belongs to somebody else",
        chapter=Chapter.SECRET,
        made=lambda shop: [
            _kept(shop, "kubernetes.io/tls", tls_crt="theirs", tls_key="theirs"),
            *shop.good(),
        ],
        reason="SecretConflict",
        cause="exists and is not overwritten: its content was written by kubectl",
        step="kubectl annotate secret --namespace shop web-tls certwright.dev/adopt=true",
        fix="Hand it over, if nobody needs what is in it.",
    ),
    Trouble(
        name="secret-of-another-type",
        title="The Secret exists and is of another type",
        chapter=Chapter.SECRET,
        made=lambda shop: [_kept(shop, "Opaque", username="admin"), *shop.good()],
        reason="SecretConflict",
        cause="its type is Opaque",
        step="choose another secretName",
        fix="A Secret's type cannot be changed.",
    ),
    Trouble(
        name="secret-of-two",
        title="Two Certificates name one Secret",
        chapter=Chapter.SECRET,
        made=lambda shop: [
            *shop.good()[:2],
            shop.certificate("api", f"api.{shop.namespace}.example.test", secretName="web-tls"),
        ],
        awaited="api",
        then=lambda shop: shop.apply(shop.web()),
        reason="SecretConflict",
        cause="Certificate api",
        step="choose another secretName",
        fix="Each Certificate has a Secret of its own. One Certificate may list all the names.",
    ),
    Trouble(
        name="secret-edited",
        title="Somebody edited the Secret, and a new certificate cannot be made",
        chapter=Chapter.SECRET,
        made=lambda shop: shop.good(),
        then=_spoil,
        reason="DNSCredentialsRefused",
        cause="tls.crt in Secret web-tls is not a readable certificate (last written by kubectl-patch)",
        step="compare",
        fix="An edited Secret is replaced at once, by a new certificate. Here something else is in the way, which the "
        "message names.",
    ),
    Trouble(
        name="renewal-fails",
        title="The certificate is good, and its renewal fails",
        chapter=Chapter.SECRET,
        made=lambda shop: shop.good(),
        then=_call,
        reason="DNSCredentialsRefused",
        condition="RenewalFailing",
        cause="has another secret for TSIG key",
        step="Next attempt at",
        fix="The present certificate stays in use until it ends; mend what the message names before.",
    ),
)
