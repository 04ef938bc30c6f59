"""Troubles in which the CA says no to an order."""

from __future__ import annotations

from tests.cluster.troubles.trouble import Chapter, Trouble

CA = (
    Trouble(
        name="caa-forbids",
        title="A CAA record names another CA",
        chapter=Chapter.CA,
        made=lambda shop: shop.through("caa"),
        reason="CAAForbids",
        cause="CAA record for www.example.test prevents issuance",
        step="Add the CA to the CAA records",
        fix="`dig +short CAA example.test` shows them. The issuer's `status.acme.caaIdentities` says what to add.",
    ),
    Trouble(
        name="name-refused",
        title="The CA does not sign this name",
        chapter=Chapter.CA,
        made=lambda shop: [*shop.through("blocking")[:2], shop.web("www.shop.internal")],
        reason="Rejected",
        cause='Cannot issue for "www.shop.internal"',
        step="Change the spec, or ask the CA",
        fix="Public CAs sign public names only: none under `.local`, `.internal` or a name that nobody registered.",
    ),
    Trouble(
        name="rate-limited",
        title="A rate limit is reached",
        chapter=Chapter.CA,
        made=lambda shop: shop.through("limited"),
        reason="RateLimited",
        cause="too many certificates (5) already issued for this exact set of identifiers",
        step="Next attempt at",
        fix="Wait. Try things out with the CA's staging directory; for Let's Encrypt it is "
        "`https://acme-staging-v02.api.letsencrypt.org/directory`.",
    ),
    Trouble(
        name="profile-unknown",
        title="The CA has no profile of this name",
        chapter=Chapter.CA,
        made=lambda shop: shop.good(profile="shortlive"),
        reason="UnknownProfile",
        cause="shortlive",
        step="default",
        fix="`status.acme.profiles` of the issuer lists them.",
    ),
)
