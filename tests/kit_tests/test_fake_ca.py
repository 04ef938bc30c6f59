"""The fake CA is believed because it was held against Pebble: the same conversations, the same outcomes."""

from __future__ import annotations

import base64
import json
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certwright.acme import jws
from certwright.acme.flow import Request, Response
from certwright.acme.flows import fetch_renewal_info
from certwright.acme.headers import links_of
from certwright.acme.jws import AccountKey, external_account_binding, generate_account_key
from certwright.acme.messages import AuthorizationStatus, OrderStatus
from certwright.acme.reading import read_problem
from certwright.failures import Setback
from certwright.pki import keys
from certwright.pki.csr import csr_der
from certwright.secret_text import SecretText
from tests.acme.client import Client, Server, connected
from tests.kit.fake_ca import FakeCa
from tests.kit.fake_ca_hierarchy import certificate_id
from tests.kit.fake_ca_server import FakeCaServer
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

#: As long as HS512's own digest: shorter keys are refused by some (RFC 7518 §3.2).
MAC_KEY = "bWFjLWtleS1tYWMta2V5LW1hYy1rZXktbWFjLWtleS1tYWMta2V5LW1hYy1rZXktbWFjLWtleS1tYWMta2V5LQ"
BLOCKED = "blocked.example.org"


@dataclass
class Place:
    """A CA as it usually is, and one that wants accounts to be bound."""

    plain: Server
    bound: Server
    stack: ExitStack

    def client(self, key: AccountKey | None = None, *, member: bool = True) -> Client:
        """A new client; as a member, it has an account."""
        client = connected(self.plain, key)
        self.stack.callback(client.transport.close)
        if member:
            client.ask(client.talk.register((), terms_agreed=True))
        return client


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    def started(**policy: Any) -> FakeCaServer:
        usual: dict[str, Any] = {
            "alternates": 2,
            "profiles": {"short": timedelta(days=6)},
            "blocks": {BLOCKED},
        }
        ca = FakeCa(lambda: datetime.now(UTC), terms="https://ca.example/terms", **usual, **policy)
        return stack.enter_context(FakeCaServer.start(tmp_path_factory.mktemp("fake"), ca))

    key = base64.urlsafe_b64decode(MAC_KEY + "==")
    with ExitStack() as stack:
        yield Place(started(), started(bindings={"kid-1": key}), stack)


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    def started(**settings: Any) -> Pebble:
        usual: dict[str, Any] = {
            "alternate_roots": 2,
            "profiles": {"short": timedelta(days=6)},
            "blocked_domains": (BLOCKED,),
        }
        chosen = PebbleSettings(always_valid=True, nonce_reject_percent=0, **usual, **settings)
        return stack.enter_context(Pebble.start(tmp_path_factory.mktemp("pebble"), chosen))

    with ExitStack() as stack:
        yield Place(started(), started(eab={"kid-1": MAC_KEY}), stack)


def refused(act: Callable[[], object]) -> str:
    """How the CA says no: the problem's type and the status."""
    try:
        act()
    except Setback as setback:
        found: Any = setback.__cause__ or setback
        return f"{found.problem.type} {found.status}".strip()
    return "taken"


def says(client: Client, url: str, payload: Any = None) -> tuple[str, Response]:
    """The problem's type, if any, and the status; and the answer itself."""
    nonce = client.ask(client.talk._fresh_nonce())
    body = b"" if payload is None else json.dumps(payload).encode()
    return sent(client, url, client.talk._key.sign(body, url, nonce, client.talk.account_url))


def sent(
    client: Client, url: str, message: bytes, kind: str = "application/jose+json", method: str = "POST"
) -> tuple[str, Response]:
    told = client.transport(Request(method, url, {"content-type": kind}, message))
    return f"{read_problem(told).type} {told.status}".strip(), told


def key_pair(key: PrivateKeyTypes | None = None) -> AccountKey:
    pem = (key or ec.generate_private_key(ec.SECP384R1())).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return AccountKey.from_pem(SecretText(pem.decode()))


# The conversations; each gives what was learned, in the order of the questions.


def accounts(place: Place) -> list[Any]:
    client = place.client(member=False)
    learned: list[Any] = [client.ask(client.talk.find_account())]
    made = client.ask(client.talk.register(("mailto:a@example.org",), terms_agreed=True))
    again = client.ask(client.talk.register((), terms_agreed=True))
    changed = client.ask(client.talk.update_contact(("mailto:b@example.org",)))
    learned += [made.created, made.contact, again.created, again.url == made.url, changed.contact]
    learned.append(says(client, made.url, {"status": "deactivated"})[0])
    learned.append(refused(lambda: client.ask(client.talk.new_order(["a.example.org"]))))
    return [*learned, refused(lambda: client.ask(client.talk.find_account()))]


def unwelcome_accounts(place: Place) -> list[Any]:
    client = place.client(member=False)
    learned = [refused(lambda: client.ask(client.talk.register((), terms_agreed=False)))]
    for contact in ("tel:+49301234", "mailto:a@example.org,b@example.org", "mailto:a@example.org?subject=x"):
        tried = client.talk.register((contact,), terms_agreed=True)
        learned.append(refused(lambda tried=tried: client.ask(tried)))  # type: ignore[misc]
    client.talk.account_url = client.directory.new_order.rpartition("/")[0] + "/my-account/none"
    return [*learned, refused(lambda: client.ask(client.talk.new_order(["a.example.org"])))]


def kinds_of_keys(place: Place) -> list[Any]:
    learned: list[Any] = []
    for key in (key_pair(), key_pair(rsa.generate_private_key(65537, 2048))):
        client = place.client(key)
        learned.append(client.obtain("keys.example.org").leaf.dns_names)
    return learned


def bindings(place: Place) -> list[Any]:
    key = AccountKey.from_pem(generate_account_key())
    client = connected(place.bound, key)
    place.stack.callback(client.transport.close)
    url = client.directory.new_account

    def bound(kid: str, mac: str, key: AccountKey = key, url: str = url) -> Any:
        eab = external_account_binding(kid, SecretText(mac), key, url)
        return client.talk.register((), terms_agreed=True, eab=eab)

    other = AccountKey.from_pem(generate_account_key())
    wrong = [bound("kid-2", MAC_KEY), bound("kid-1", "d3Jvbmctd3Jvbmctd3Jvbmc")]
    wrong += [bound("kid-1", MAC_KEY, other), bound("kid-1", MAC_KEY, url=f"{url}x")]
    learned: list[Any] = [client.directory.external_account_required]
    learned.append(refused(lambda: client.ask(client.talk.register((), terms_agreed=True))))
    learned += [refused(lambda each=each: client.ask(each)) for each in wrong]  # type: ignore[misc]
    return [*learned, client.ask(bound("kid-1", MAC_KEY)).created]


def longer_macs(place: Place) -> list[Any]:
    learned: list[Any] = []
    for algorithm in ("HS384", "HS512"):
        key = key_pair()
        client = connected(place.bound, key)
        place.stack.callback(client.transport.close)
        url = client.directory.new_account
        eab = external_account_binding("kid-1", SecretText(MAC_KEY), key, url, algorithm)
        learned.append(client.ask(client.talk.register((), terms_agreed=True, eab=eab)).created)
    return learned


def signatures(place: Place) -> list[Any]:
    client = place.client()
    url, kid, key = client.directory.new_order, client.talk.account_url, client.talk._key
    body = json.dumps({"identifiers": [{"type": "dns", "value": "a.example.org"}]}).encode()

    def nonce() -> str:
        return client.ask(client.talk._fresh_nonce())

    good = key.sign(body, url, nonce(), kid)
    parts = json.loads(good)
    tampered = {**parts, "payload": parts["payload"][:-4] + "AAAA"}
    return [
        sent(client, url, json.dumps(tampered).encode())[0],
        sent(client, url, good)[0],
        sent(client, url, good)[0],
        sent(client, url, key.sign(body, url, "bm9uY2U", kid))[0],
        sent(client, url, key.sign(body, f"{url}x", nonce(), kid))[0],
        sent(client, url, key.sign(body, url, nonce(), None))[0],
        sent(client, url, key_pair().sign(body, url, nonce(), kid))[0],
        sent(client, url, key.sign(body, url, nonce(), kid), "application/json")[0],
        sent(client, url, b"{}")[0],
        sent(client, url, b"", method="GET")[1].status,
    ]


def used_nonces(place: Place) -> list[Any]:
    client = place.client()
    first = client.ask(client.talk._fresh_nonce())
    client.talk._nonces.keep("bm9uY2U")
    order = client.ask(client.talk.new_order(["nonces.example.org"]))
    return [order.status, first != client.ask(client.talk._fresh_nonce())]


def unwelcome_orders(place: Place) -> list[Any]:
    client, url = place.client(), ""
    url = client.directory.new_order
    dns = [{"type": "dns", "value": "a.example.org"}]
    told = says(client, url, {"identifiers": [*dns, {"type": "dns", "value": BLOCKED}]})
    return [
        told[0],
        says(client, url, {"identifiers": []})[0],
        says(client, url, {"identifiers": [{"type": "email", "value": "a@example.org"}]})[0],
        says(client, url, {"identifiers": dns, "profile": "none"})[0],
        json.loads(says(client, url, {"identifiers": dns, "profile": "short"})[1].body)["profile"],
        max(client.directory.profiles or ()),
        refused(lambda: client.ask(client.talk.fetch_order(url.replace("order-plz", "my-order/none")))),
    ]


def orders_of_others(place: Place) -> list[Any]:
    client, other = place.client(), place.client()
    order = client.ask(client.talk.new_order(["others.example.org"]))
    proof = client.ask(client.talk.fetch_authorization(order.authorizations[0]))
    urls = [order.url, proof.url]
    learned = [says(other, url)[0] for url in urls]
    learned.append(says(other, proof.challenges[0].url, {})[0])
    learned.append(says(other, order.finalize, {"csr": "AA"})[0])
    return [*learned, says(client, order.url, {})[0]]


def happy_path(place: Place) -> list[Any]:
    client = place.client()
    verified = client.obtain("*.happy.example.org", "happy.example.org")
    return [verified.leaf.dns_names, verified.chain_pem.count("BEGIN")]


def csrs(place: Place) -> list[Any]:
    client = place.client()
    early = client.ask(client.talk.new_order(["early.example.org"]))
    order = client.place("csr.example.org")
    curve = ec.generate_private_key(ec.SECP256R1())
    own = place.client(key_pair(curve))
    owned = own.place("own.example.org")

    def finalized(who: Client, order: Any, key: Any, *names: str) -> str:
        csr = base64.urlsafe_b64encode(csr_der(key, names)).rstrip(b"=").decode()
        return says(who, order.finalize, {"csr": csr})[0]

    key = keys.generate_key("ECDSA")
    return [
        finalized(client, early, key, "early.example.org"),
        finalized(client, order, key, "other.example.org"),
        finalized(client, order, key, "csr.example.org", "other.example.org"),
        says(client, order.finalize, {"csr": "AA"})[0],
        finalized(own, owned, curve, "own.example.org"),
        finalized(client, order, key, "csr.example.org"),
        client.until(order.url, OrderStatus.VALID).status,
        finalized(client, order, key, "csr.example.org"),
    ]


def deactivated_authorizations(place: Place) -> list[Any]:
    client = place.client()
    order = client.ask(client.talk.new_order(["leave.example.org", "stay.example.org"]))
    url = order.authorizations[0]
    learned: list[Any] = [says(client, url, {"status": "valid"})[0]]
    learned.append(says(client, url, {"status": "deactivated"})[0])
    learned.append(client.ask(client.talk.fetch_authorization(url)).status)
    return [*learned, client.ask(client.talk.fetch_order(order.url)).status]


def challenges(place: Place) -> list[Any]:
    client = place.client()
    order = client.ask(client.talk.new_order(["*.twice.example.org"]))
    proof = client.ask(client.talk.fetch_authorization(order.authorizations[0]))
    offered = {each.type for each in proof.challenges} & {"http-01", "dns-01"}
    url = next(each.url for each in proof.challenges if each.type == "dns-01")
    learned: list[Any] = [proof.identifier.value, proof.wildcard, offered]
    learned.append(says(client, url, {"keyAuthorization": "x"})[0])
    learned.append(says(client, url, {})[0])
    client.until(order.url, OrderStatus.READY)
    return [*learned, says(client, url, {})[0]]


def alternate_chains(place: Place) -> list[Any]:
    client = place.client()
    order = client.place("chains.example.org")
    client.ask(
        client.talk.finalize(
            order.finalize, order.url, csr_der(keys.generate_key("ECDSA"), ["chains.example.org"])
        )
    )
    url = client.until(order.url, OrderStatus.VALID).certificate or ""
    usual = says(client, url)[1]
    others = [says(client, each)[1] for each in links_of(usual)["alternate"]]
    tops = [x509.load_pem_x509_certificates(each.body)[-1].issuer for each in (usual, *others)]
    leaves = {x509.load_pem_x509_certificates(each.body)[0] for each in (usual, *others)}
    kinds = {each.headers["content-type"].partition(";")[0] for each in (usual, *others)}
    return [
        len(set(tops)),
        len(leaves),
        kinds,
        len(links_of(others[0])["alternate"]),
        says(client, f"{url}/9")[1].status,
    ]


def advice(place: Place) -> list[Any]:
    client = place.client()
    verified = client.obtain("advice.example.org")
    old = verified.leaf.renewal_id or ""
    told = client.ask(fetch_renewal_info(client.directory, old))
    learned: list[Any] = [verified.leaf.not_before < told.start < told.end < verified.leaf.not_after]
    learned.append(told.retry_after)
    unknown = f"{old.partition('.')[0]}.AQ"
    learned.append(refused(lambda: client.ask(fetch_renewal_info(client.directory, unknown))))
    leaf = x509.load_pem_x509_certificate(verified.chain_pem.encode())
    learned.append(certificate_id(leaf) == old)
    other = place.client()
    learned.append(refused(lambda: other.ask(other.talk.new_order(["advice.example.org"], replaces=old))))
    client.obtain("advice.example.org", replaces=old)
    return [
        *learned,
        refused(lambda: client.ask(client.talk.new_order(["advice.example.org"], replaces=old))),
    ]


def changed_keys(place: Place) -> list[Any]:
    client, other = place.client(), place.client()
    new = AccountKey.from_pem(generate_account_key())
    url = client.directory.new_order.replace("order-plz", "rollover-account-key")
    old = client.talk._key

    def inner(key: AccountKey, account: str | None, url: str = url) -> Any:
        said = json.dumps({"account": account, "oldKey": dict(old.jwk)}).encode()
        header = {"alg": key._algorithm.name, "jwk": dict(key.jwk), "url": url}
        return jws._flattened(header, said, key._algorithm, key._key)

    ours = client.talk.account_url
    learned: list[Any] = [says(client, url, inner(new, other.talk.account_url))[0]]
    learned.append(says(client, url, inner(new, ours, f"{url}x"))[0])
    taken = says(client, url, inner(other.talk._key, ours))[1]
    learned += [taken.status, taken.headers.get("location") == other.talk.account_url]
    learned.append(says(client, url, inner(new, ours))[0])
    learned.append(refused(lambda: client.ask(client.talk.new_order(["a.example.org"]))))
    found = place.client(new, member=False).talk
    client.ask(found.find_account())
    return [*learned, found.account_url == ours]


def revoked(place: Place) -> list[Any]:
    client, other = place.client(), place.client()
    url = client.directory.new_order.replace("order-plz", "revoke-cert")
    chain = client.obtain("revoked.example.org").chain_pem.encode()
    der = x509.load_pem_x509_certificate(chain).public_bytes(serialization.Encoding.DER)
    said = {"certificate": base64.urlsafe_b64encode(der).rstrip(b"=").decode()}
    return [
        says(other, url, said)[0],
        says(client, url, {**said, "reason": 99})[0],
        says(client, url, said)[0],
        says(client, url, said)[0],
    ]


class Case(NamedTuple):
    """A conversation, what is learned in it, and where Pebble says something else: by place, and why."""

    hold: Callable[[Place], list[Any]]
    learned: list[Any]
    pebble: Mapping[int, Any] = MappingProxyType({})
    because: str = ""


NO_ORDER, DENIED, BAD = "orderNotReady 403", "unauthorized 403", "malformed 400"
PENDING, INVALID = OrderStatus.PENDING, OrderStatus.INVALID
CASES = [
    Case(
        accounts,
        [
            None,
            True,
            ("mailto:a@example.org",),
            False,
            True,
            ("mailto:b@example.org",),
            "200",
            DENIED,
            DENIED,
        ],
    ),
    Case(
        unwelcome_accounts,
        [
            "userActionRequired 403",
            "unsupportedContact 400",
            "invalidContact 400",
            "invalidContact 400",
            "accountDoesNotExist 400",
        ],
        {3: "taken"},
        "RFC 8555 §7.3 forbids header fields in an address",
    ),
    Case(kinds_of_keys, [{"keys.example.org"}, {"keys.example.org"}]),
    Case(bindings, [True, "externalAccountRequired 403", DENIED, DENIED, "badPublicKey 400", BAD, True]),
    Case(longer_macs, [True, True]),
    Case(
        signatures,
        [
            BAD,
            "201",
            "badNonce 400",
            "badNonce 400",
            BAD,
            BAD,
            "badSignatureAlgorithm 400",
            "malformed 415",
            BAD,
            405,
        ],
    ),
    Case(used_nonces, [PENDING, True]),
    Case(
        unwelcome_orders,
        [
            "rejectedIdentifier 400",
            BAD,
            "unsupportedIdentifier 400",
            "invalidProfile 400",
            "short",
            "short",
            "malformed 404",
        ],
        {2: BAD, 6: "404"},
        "Boulder uses the type that RFC 8555 §6.7 has, and a problem document also for what it does not know",
    ),
    Case(orders_of_others, [DENIED, DENIED, DENIED, DENIED, BAD]),
    Case(happy_path, [{"*.happy.example.org", "happy.example.org"}, 2]),
    Case(csrs, [NO_ORDER, DENIED, DENIED, BAD, "badCSR 400", "200", OrderStatus.VALID, NO_ORDER]),
    Case(deactivated_authorizations, [BAD, "200", AuthorizationStatus.DEACTIVATED, INVALID]),
    Case(challenges, ["twice.example.org", True, {"dns-01"}, BAD, "200", BAD]),
    Case(alternate_chains, [3, 1, {"application/pem-certificate-chain"}, 2, 404]),
    Case(
        changed_keys,
        [BAD, BAD, 409, True, "200", BAD, True],
        {2: 200, 3: False},
        "RFC 8555 §7.3.5 wants 409 and the other account's URL; Pebble means to, and loses its own error on the way",
    ),
    Case(revoked, [DENIED, "badRevocationReason 400", "200", "alreadyRevoked 400"]),
    Case(advice, [True, timedelta(hours=6), "malformed 404", True, DENIED, "alreadyReplaced 409"]),
]
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.hold.__name__)


@each_case
def test_the_fake_ca_says_what_a_ca_says(case: Case, fake: Place) -> None:
    assert case.hold(fake) == case.learned


@pytest.mark.servers
@each_case
def test_pebble_says_the_same(case: Case, pebble: Place) -> None:
    differing = {place: said for place, said in enumerate(case.hold(pebble)) if said != case.learned[place]}
    assert differing == case.pebble
    assert bool(differing) == bool(case.because)
