"""Troubles with HTTP-01."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cluster.troubles.strangers import ADDRESSES, CLOSED, FILTERED
from tests.cluster.troubles.trouble import Chapter, Trouble

if TYPE_CHECKING:
    from tests.cluster.troubles.shop import Shop


def _at(shop: Shop, address: str) -> list[dict[str, Any]]:
    """The name leads to this address."""
    shop.town.lead(shop.host, address)
    return shop.with_web()


WEB = (
    Trouble(
        name="ingress-class-wrong",
        title="The issuer names a wrong ingress class",
        chapter=Chapter.WEB,
        made=lambda shop: shop.with_web(ingress={"ingressClassName": "ngnix"}),
        reason="AwaitingReachability",
        cause="through an Ingress of class ngnix: 192.0.2.1 answered 404",
        step="the solver name its class",
        fix="`kubectl get ingressclass` lists the classes of this cluster.",
    ),
    Trouble(
        name="port-80-closed",
        title="Nothing listens at port 80",
        chapter=Chapter.WEB,
        made=lambda shop: _at(shop, CLOSED),
        reason="AwaitingReachability",
        cause="192.0.2.2 refused the connection on port 80",
        step="open it to everybody",
        fix="CAs ask at port 80 and at no other (RFC 8555, section 8.3). Open it, or prove by DNS-01.",
    ),
    Trouble(
        name="port-80-filtered",
        title="A firewall drops what comes to port 80",
        chapter=Chapter.WEB,
        made=lambda shop: _at(shop, FILTERED),
        reason="AwaitingReachability",
        cause="192.0.2.3 did not accept the connection on port 80",
        step="open it to everybody",
        fix="CAs ask at port 80, from addresses that they do not tell. Open it to all, or prove by DNS-01.",
    ),
    Trouble(
        name="name-does-not-resolve",
        title="The name has no address",
        chapter=Chapter.WEB,
        made=lambda shop: shop.with_web(f"www.{shop.namespace}.nowhere.test"),
        reason="AwaitingReachability",
        cause="www.nowhere.test does not exist in DNS",
        step="make an A or AAAA record",
        fix="`kubectl get ingress -A` shows the address of your ingress controller.",
    ),
    Trouble(
        name="name-leads-inside",
        title="The name leads to a private address",
        chapter=Chapter.WEB,
        made=lambda shop: _at(shop, "10.0.0.5"),
        reason="AwaitingReachability",
        cause="10.0.0.5, which is reserved for",
        step="no public CA looks there",
        fix="Have the public DNS lead to a public address, prove by DNS-01, or, if the CA is a private one, allow the "
        "network.",
    ),
    Trouble(
        name="other-website-answers",
        title="The name leads to another web server",
        chapter=Chapter.WEB,
        made=lambda shop: _at(shop, ADDRESSES["page"]),
        reason="AwaitingReachability",
        cause="192.0.2.4 answered 200 with 128 bytes or more that look like HTML: a website is there",
        step="Have the name lead to your ingress controller",
        fix="The address in the message is where the name leads: correct the A or AAAA record.",
    ),
    Trouble(
        name="login-in-front",
        title="A login guards the website",
        chapter=Chapter.WEB,
        made=lambda shop: _at(shop, ADDRESSES["login"]),
        reason="AwaitingReachability",
        cause="answered 401: a login guards the path",
        step="CAs have none",
        fix="Let `/.well-known/acme-challenge/` pass without login, in whatever stands before the ingress controller.",
    ),
    Trouble(
        name="redirect-to-https",
        title="Everything is redirected to https, where nothing answers yet",
        chapter=Chapter.WEB,
        made=lambda shop: _at(shop, ADDRESSES["https"]),
        reason="AwaitingReachability",
        cause="after a redirect to https://www.example.test",
        step="port 443",
        fix="CAs follow such a redirect and do not mind the certificate there, but something must answer. Let "
        "`/.well-known/acme-challenge/` pass without redirect.",
    ),
)
