"""Manifests that the API server refuses: told before anything exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.troubles.trouble import Chapter, Trouble

if TYPE_CHECKING:
    from tests.cluster.troubles.shop import Shop


def _copied(shop: Shop) -> list[dict[str, Any]]:
    return [shop.web() | {"apiVersion": "cert-manager.io/v1"}]


MANIFESTS = (
    Trouble(
        name="cert-manager-api-version",
        title="A manifest for cert-manager was copied as it is",
        chapter=Chapter.REFUSED,
        made=_copied,
        cause='no matches for kind "Certificate" in version "cert-manager.io/v1"',
        step="ensure CRDs are installed first",
        fix="Write `apiVersion: certwright.dev/v1`. The same sentence about `certwright.dev/v1` means that the CRDs of "
        "Certwright are not installed.",
    ),
    Trouble(
        name="issuer-kind-mistyped",
        title="The kind in issuerRef is mistyped",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.web(issuerRef={"name": "ca", "kind": "ClusterIsuer"})],
        cause='spec.issuerRef.kind: Unsupported value: "ClusterIsuer"',
        step='supported values: "Issuer", "ClusterIssuer"',
        fix="Write one of the two.",
    ),
    Trouble(
        name="field-mistyped",
        title="A field is mistyped, or belongs to a newer version",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.web(dnsName=["www.example.test"])],
        cause='unknown field "spec.dnsName"',
        step="strict decoding error",
        fix="`kubectl explain certificates.certwright.dev.spec` lists the fields that this cluster knows.",
    ),
    Trouble(
        name="email-invalid",
        title="The email address is none",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.issuer(email="Web Team <web@example.com>")],
        cause="spec.acme.email",
        step="write one plain address such as certificates@example.com",
        fix="Write the address alone, without a name and without `mailto:`; or leave the field out.",
    ),
    Trouble(
        name="server-without-https",
        title="The server's URL begins with http://",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.issuer(server="http://acme.example.com/directory")],
        cause="spec.acme.server",
        step="https:// in front",
        fix="ACME is spoken over https only (RFC 8555, section 6.1). A private CA's root goes into `caBundle`.",
    ),
    Trouble(
        name="name-with-underscore",
        title="A name has an underscore",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.web("my_shop.example.com")],
        cause="certificates cannot have a name with an underscore",
        step="remove it",
        fix="CAs may not sign such names (CA/Browser Forum Baseline Requirements, section 7.1.2.7.12).",
    ),
    Trouble(
        name="name-is-an-address",
        title="An IP address stands in dnsNames",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.web("192.0.2.7")],
        cause="IP addresses are not supported",
        step="write a DNS name",
        fix="Ask for the name by which clients connect.",
    ),
    Trouble(
        name="name-too-long",
        title="A part of a name is too long",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.web(f"{'a' * 64}.example.com")],
        cause="spec.dnsNames[0]",
        step="63",
        fix="DNS has at most 63 characters between two dots (RFC 1035, section 2.3.4).",
    ),
    Trouble(
        name="renew-before-too-long",
        title="renewBefore is longer than duration",
        chapter=Chapter.REFUSED,
        made=lambda shop: [shop.web(duration="90d", renewBefore="100d")],
        cause="the certificate would always be due",
        step="renewBefore must be shorter than duration",
        fix="Leave both out: then a certificate is renewed when the CA advises it, or for the last third of its life.",
    ),
)
