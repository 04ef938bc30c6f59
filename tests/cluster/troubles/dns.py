"""Troubles with DNS-01, and with solvers that do not fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.troubles.trouble import Chapter, Trouble
from tests.kit.nameserver import new_tsig_secret

if TYPE_CHECKING:
    from tests.cluster.troubles.shop import Shop


def _bare(shop: Shop) -> list[dict[str, Any]]:
    """Without the label."""
    key = shop.dns_key()
    del key["metadata"]["labels"]
    return [key, *shop.good()[1:]]


def _with_data(shop: Shop, data: dict[str, str]) -> list[dict[str, Any]]:
    return [shop.dns_key(stringData=data), *shop.good()[1:]]


DNS = (
    Trouble(
        name="credential-missing",
        title="The Secret with the TSIG key does not exist",
        chapter=Chapter.DNS,
        made=lambda shop: shop.with_dns(tsigSecretSecretRef={"name": "tsig", "key": "secret"}),
        reason="CredentialMissing",
        cause="Secret tsig in namespace shop does not exist",
        step='create it with the key "secret" and the label certwright.dev/secret=credential',
        fix="`kubectl create secret generic tsig -n shop --from-file=secret=FILE`, and the label "
        "`certwright.dev/secret=credential`.",
    ),
    Trouble(
        name="credential-unlabelled",
        title="The Secret with the TSIG key has no label",
        chapter=Chapter.DNS,
        made=_bare,
        reason="CredentialUnlabelled",
        cause="an Issuer may only read Secrets that are labelled for it",
        step="run `kubectl label secret --namespace shop dns-key certwright.dev/secret=credential`",
        fix="The label says that issuers may read this Secret: whoever may make an Issuer must not thereby read all "
        "Secrets.",
    ),
    Trouble(
        name="credential-other-key",
        title="The TSIG key is in the Secret under another name",
        chapter=Chapter.DNS,
        made=lambda shop: _with_data(shop, {"tsig.key": shop.bench.nameserver.tsig_secret}),
        reason="CredentialMissing",
        cause='Secret dns-key in namespace shop has no key "secret"',
        step="name the key that holds the credential",
        fix="Write the name that it has into `tsigSecretSecretRef.key`.",
    ),
    Trouble(
        name="credential-not-base64",
        title="The TSIG key was pasted with more than the key",
        chapter=Chapter.DNS,
        made=lambda shop: _with_data(shop, {"secret": 'secret "c2VjcmV0";'}),
        reason="CredentialInvalid",
        cause="is not base64",
        step="store the text between the quotes",
        fix='Of `key { algorithm hmac-sha256; secret "…"; }` only what is between the quotes is stored.',
    ),
    Trouble(
        name="tsig-secret-wrong",
        title="The TSIG key is another one than the name server's",
        chapter=Chapter.DNS,
        made=lambda shop: _with_data(shop, {"secret": new_tsig_secret()}),
        reason="DNSCredentialsRefused",
        cause="has another secret for TSIG key certwright-test",
        step="compare",
        fix="Copy the key from the name server's configuration into the Secret; it is tried again at once.",
    ),
    Trouble(
        name="tsig-name-wrong",
        title="The name of the TSIG key is wrong",
        chapter=Chapter.DNS,
        made=lambda shop: shop.with_dns(tsigKeyName="certwright"),
        reason="DNSCredentialsRefused",
        cause="knows no TSIG key certwright with algorithm HMACSHA256",
        step="compare the key's name and algorithm",
        fix="Write `tsigKeyName` as it stands after `key` in the name server's configuration.",
    ),
    Trouble(
        name="tsig-algorithm-wrong",
        title="The algorithm of the TSIG key is wrong",
        chapter=Chapter.DNS,
        made=lambda shop: shop.with_dns(tsigAlgorithm="HMACSHA512"),
        reason="DNSCredentialsRefused",
        cause="HMACSHA512",
        step="compare",
        fix="Write `tsigAlgorithm` as in the name server's configuration: `hmac-sha256` there is `HMACSHA256` here.",
    ),
    Trouble(
        name="unsigned-updates",
        title="The issuer has no TSIG key, and the name server wants one",
        chapter=Chapter.DNS,
        made=lambda shop: shop.by(
            shop.issuer(solvers=[{"dns01": {"rfc2136": {"nameserver": shop.rfc2136()["nameserver"]}}}])
        ),
        reason="DNSUpdateRefused",
        cause="refuses to change zone example.test (REFUSED)",
        step="tsigKeyName",
        fix="Set `tsigKeyName` and `tsigSecretSecretRef`.",
    ),
    Trouble(
        name="name-server-unreachable",
        title="The name server cannot be reached",
        chapter=Chapter.DNS,
        made=lambda shop: shop.with_dns(nameserver=f"127.0.0.1:{shop.town.closed_ports[1]}"),
        reason="DNSProviderUnavailable",
        cause="connection refused",
        step="check its address and port",
        fix="Let the operator's pods reach it at TCP port 53 (`protocol: UDP` for servers that take updates over UDP).",
    ),
    Trouble(
        name="name-server-mistyped",
        title="The host name of the name server is mistyped",
        chapter=Chapter.DNS,
        made=lambda shop: shop.with_dns(nameserver="ns7.invalid"),
        reason="DNSLookupFailed",
        cause="ns7.invalid cannot be looked up",
        step="correct nameserver in the solver",
        fix="Correct `nameserver`; it is looked up from the operator's pod.",
    ),
    Trouble(
        name="zone-elsewhere",
        title="The name server does not host the zone",
        chapter=Chapter.DNS,
        made=lambda shop: shop.with_dns(nameserver=f"{shop.town.elsewhere.host}:{shop.town.elsewhere.port}"),
        reason="DNSZoneNotFound",
        cause="serves no zone that holds _acme-challenge.www.example.test",
        step="name the zone's primary server",
        fix="`dig +short SOA example.test` names the primary first.",
    ),
    Trouble(
        name="selector-leaves-out",
        title="No solver's selector matches the name",
        chapter=Chapter.DNS,
        made=lambda shop: shop.by(
            shop.issuer(
                solvers=[
                    {
                        "name": "dns",
                        "selector": {"dnsZones": ["example.com"]},
                        "dns01": {"rfc2136": shop.rfc2136()},
                    }
                ]
            )
        ),
        reason="NoMatchingSolver",
        cause="no selector matches",
        step="widen a selector",
        fix="`dnsZones` matches the zone and all below it, `dnsNames` matches exactly, and all parts of a selector "
        "must match.",
    ),
    Trouble(
        name="wildcard-by-http",
        title="A wildcard, and only HTTP-01",
        chapter=Chapter.DNS,
        made=lambda shop: shop.with_web(f"*.{shop.namespace}.example.test"),
        reason="NoMatchingSolver",
        cause="wildcards can only be proven by DNS-01",
        step="add a solver with dns01",
        fix="CAs prove wildcards by DNS-01 alone (Baseline Requirements, section 3.2.2.4.19). List the names "
        "one by one if DNS-01 is out of reach.",
    ),
)
