"""Troubles with issuers and their accounts."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from tests.cluster.troubles.trouble import Chapter, Trouble

if TYPE_CHECKING:
    from tests.cluster.troubles.shop import Shop


def _secret(name: str, text: str, *, label: str = "credential", key: str = "secret") -> dict[str, Any]:
    metadata = {"name": name, "labels": {"certwright.dev/secret": label}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {key: text}}


def _elsewhere(shop: Shop) -> list[dict[str, Any]]:
    """The Issuer is in another shop's namespace."""
    issuer = shop.issuer("letsencrypt", solvers=[])
    issuer["metadata"]["namespace"] = "default"
    return [issuer, shop.web(issuer="letsencrypt")]


def _by_cluster_issuer(shop: Shop) -> list[dict[str, Any]]:
    """Its Secret is in the shop's namespace."""
    issuer = shop.issuer("company", kind="ClusterIssuer")
    return [shop.dns_key(), issuer, shop.web(issuerRef={"name": "company", "kind": "ClusterIssuer"})]


def _bound(shop: Shop, key_id: str, secret: str) -> list[dict[str, Any]]:
    binding = {"keyID": key_id, "keySecretRef": {"name": "eab", "key": "secret"}}
    hmac = _secret("eab", secret)
    hmac["metadata"]["namespace"] = shop.namespace
    return [hmac, *shop.through("customers", externalAccountBinding=binding)]


def _odd_account_key(shop: Shop) -> list[dict[str, Any]]:
    key = _secret("ca-account", "my password", label="account", key="tls.key")
    key["metadata"]["namespace"] = shop.namespace
    return [key, *shop.good()]


def _under(url: str, path: str) -> str:
    return f"{url.rpartition('/')[0]}{path}"


ISSUERS = (
    Trouble(
        name="issuer-name-mistyped",
        title="The name in issuerRef is mistyped",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.good(issuerRef={"name": "cq"}),
        reason="IssuerNotFound",
        cause="Issuer shop/cq does not exist",
        step="correct spec.issuerRef",
        fix="Correct `spec.issuerRef.name`.",
    ),
    Trouble(
        name="issuer-in-another-namespace",
        title="The Issuer is in another namespace",
        chapter=Chapter.ISSUER,
        made=_elsewhere,
        reason="IssuerNotFound",
        cause="Issuer shop/letsencrypt does not exist",
        step="create it in this namespace",
        fix="An Issuer serves its own namespace. Make one here, or one ClusterIssuer for all.",
    ),
    Trouble(
        name="cluster-issuer-meant",
        title="The issuer is a ClusterIssuer, and issuerRef has no kind",
        chapter=Chapter.ISSUER,
        made=lambda shop: [
            shop.issuer("for-all", kind="ClusterIssuer", solvers=[]),
            shop.web(issuer="for-all"),
        ],
        reason="IssuerNotFound",
        cause="Issuer shop/for-all does not exist, but ClusterIssuer for-all does",
        step="write kind: ClusterIssuer in spec.issuerRef",
        fix="Without `kind` an Issuer is meant.",
    ),
    Trouble(
        name="issuer-meant",
        title="The issuer is an Issuer, and issuerRef says ClusterIssuer",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.good(issuerRef={"name": "ca", "kind": "ClusterIssuer"}),
        reason="IssuerNotFound",
        cause="ClusterIssuer ca does not exist, but Issuer shop/ca does",
        step="write kind: Issuer in spec.issuerRef",
        fix="Remove `kind`, or write `kind: Issuer`.",
    ),
    Trouble(
        name="terms-not-agreed",
        title="The terms of service are not agreed to",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.by(shop.issuer(termsOfServiceAgreed=False)),
        reason="IssuerNotReady",
        cause="terms of service",
        step="set spec.acme.termsOfServiceAgreed: true",
        fix='`kubectl patch cwi ca -n shop --type merge -p \'{"spec":{"acme":{"termsOfServiceAgreed":true}}}\'`',
    ),
    Trouble(
        name="email-refused",
        title="The CA does not take the email address",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.through("choosy", email="shop@example.com"),
        reason="IssuerNotReady",
        cause='has forbidden domain "example.com"',
        step="spec.acme.email",
        fix="Write an address that you read, or none.",
    ),
    Trouble(
        name="server-not-found",
        title="The server's URL has a typing error",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.by(shop.issuer(server=_under(shop.bench.pebble.directory_url, "/dirctory"))),
        reason="IssuerNotReady",
        cause="HTTP 404 (Not Found)",
        step="spec.acme.server",
        fix="Copy the URL of the directory from the CA's documentation; for Let's Encrypt it is "
        "`https://acme-v02.api.letsencrypt.org/directory`.",
    ),
    Trouble(
        name="server-is-a-website",
        title="The server's URL is the CA's website, not its directory",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.through("website"),
        reason="IssuerNotReady",
        cause="is no ACME directory",
        step="spec.acme.server",
        fix="Copy the URL of the directory from the CA's documentation; for Let's Encrypt it is "
        "`https://acme-v02.api.letsencrypt.org/directory`.",
    ),
    Trouble(
        name="ca-unreachable",
        title="The CA cannot be reached",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.by(
            shop.issuer(server=f"https://127.0.0.1:{shop.town.closed_ports[0]}/directory")
        ),
        reason="IssuerNotReady",
        cause="the connection was refused",
        step="check the server's address and port",
        fix="Allow the operator's pods to reach the CA at port 443: NetworkPolicy, firewall, `HTTPS_PROXY`.",
    ),
    Trouble(
        name="ca-bundle-wrong",
        title="The CA is a private one, and caBundle has another root",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.by(
            shop.issuer(caBundle=base64.b64encode(shop.town.other_authority.encode()).decode())
        ),
        reason="IssuerNotReady",
        cause="could not be verified",
        step="put its root certificate into caBundle",
        fix="`openssl s_client -showcerts -connect HOST:PORT` shows whose certificate the server has.",
    ),
    Trouble(
        name="ca-down",
        title="The CA is down for maintenance",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.through("down"),
        reason="IssuerNotReady",
        cause="HTTP 503 (Service Unavailable)",
        step="Next attempt at",
        fix="Nothing has to be done. Certificates that are issued stay in use.",
    ),
    Trouble(
        name="binding-missing",
        title="The CA wants an external account binding",
        chapter=Chapter.ISSUER,
        made=lambda shop: shop.through("customers"),
        reason="IssuerNotReady",
        cause="CA wants an external account binding",
        step="set spec.acme.externalAccountBinding",
        fix="The CA's console gives a key id and an HMAC key. Put the key into a Secret with the label "
        "`certwright.dev/secret=credential`.",
    ),
    Trouble(
        name="binding-unknown",
        title="The key id of the external account binding is wrong",
        chapter=Chapter.ISSUER,
        made=lambda shop: _bound(shop, "kid-7", base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")),
        reason="IssuerNotReady",
        cause="the CA refused",
        step="spec.acme.externalAccountBinding",
        fix="Compare `keyID` with the CA's console. Many CAs let a key be used once only: make a new one there.",
    ),
    Trouble(
        name="binding-not-base64",
        title="The HMAC key of the external account binding was pasted wrongly",
        chapter=Chapter.ISSUER,
        made=lambda shop: _bound(shop, "kid-1", "*** paste here ***"),
        reason="IssuerNotReady",
        cause="base64",
        step='(Secret eab, key "secret")',
        fix="Store it as the CA shows it, and not decoded.",
    ),
    Trouble(
        name="account-key-invalid",
        title="The Secret of the account key holds something else",
        chapter=Chapter.ISSUER,
        made=_odd_account_key,
        reason="IssuerNotReady",
        cause="Key tls.key of Secret ca-account",
        step="delete the Secret to have one made",
        fix="`privateKeySecretRef` names a Secret that the operator makes; name one that does not exist yet.",
    ),
    Trouble(
        name="cluster-issuer-credential",
        title="A ClusterIssuer's credential is in the wrong namespace",
        chapter=Chapter.ISSUER,
        made=_by_cluster_issuer,
        reason="CredentialMissing",
        cause="Secret dns-key in namespace certwright does not exist",
        step='create it with the key "secret"',
        fix="Secrets of a ClusterIssuer are in the namespace where the operator runs.",
    ),
)
