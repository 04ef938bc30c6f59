"""Opening an account: the key first in a Secret, then looked up, and only then registered."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.jws import AccountKey, generate_account_key
from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.reconcile.credentials import secret_bytes
from certwright.resources.issuer_status import AcmeStatus
from certwright.secret_text import SecretText
from tests.kit.faults import Answer, acme
from tests.reconcile.situations import issuer
from tests.reconcile.world import BASE, HOME, Killed, World

if TYPE_CHECKING:
    from certwright.reconcile.accounts import Account
    from certwright.resources.issuer import Issuer


def open_account(world: World, **acme: Any) -> Account:
    return world.opening.open(issuer(**acme))


def refusal(world: World, made: Issuer) -> Setback:
    with pytest.raises(Setback) as caught:
        world.opening.open(made)
    return caught.value


def asked(world: World) -> list[Any]:
    return [payload for kind, payload in world.disk.ca.payloads if kind == "new-account"]


def test_a_new_account_has_its_key_in_a_labelled_secret_before_the_ca_hears_of_it() -> None:
    world = World()
    account = open_account(world, email="admin@example.org", termsOfServiceAgreed=True)
    secret = world.disk.secrets.bodies["shop", "ca-account"]
    assert secret["metadata"]["labels"] == {"certwright.dev/secret": "account"}
    kept = AccountKey.from_pem(SecretText((secret_bytes(secret, "tls.key") or b"").decode()))
    assert kept.thumbprint == account.key.thumbprint
    assert world.passed == [
        "before:create-account-key",
        "after:create-account-key",
        "before:new-account",
        "after:new-account",
    ]
    assert asked(world) == [{"contact": ["mailto:admin@example.org"], "termsOfServiceAgreed": True}]
    assert account.url == f"{BASE}/my-account/1"


def test_an_existing_key_is_looked_up_first_and_registers_nothing_twice() -> None:
    world = World()
    first = open_account(world)
    again = open_account(World(world.disk))
    assert again.url == first.url
    assert asked(world)[-1] == {"onlyReturnExisting": True}
    assert len(world.disk.ca.accounts) == 1


@pytest.mark.parametrize("point", ["after:create-account-key", "before:new-account", "after:new-account"])
def test_killed_while_registering_the_next_process_uses_the_same_key(point: str) -> None:
    world = World()
    world.die_at = point
    with pytest.raises(Killed):
        open_account(world)
    account = open_account(World(world.disk))
    assert [known.url for known in world.disk.ca.accounts.values()] == [account.url]


def test_two_issuers_with_one_key_have_one_account() -> None:
    world = World()
    one = world.opening.open(issuer())
    other = issuer()
    account = world.opening.open(replace(other, ref=replace(other.ref, name="other")))
    assert account.url == one.url
    assert len(world.disk.ca.accounts) == 1


def test_a_faster_twin_made_the_secret_so_it_is_read_next() -> None:
    world = World()
    world.disk.secrets.overtaken = True
    wait = refusal(world, issuer())
    assert isinstance(wait, NotYet)
    assert not asked(world)


def test_a_cluster_issuers_key_is_in_the_operators_namespace() -> None:
    world = World()
    made = issuer()
    world.opening.open(replace(made, ref=replace(made.ref, kind="ClusterIssuer", namespace="")))
    assert (HOME, "ca-account") in world.disk.secrets.bodies


def test_terms_are_agreed_to_by_the_user_or_not_at_all() -> None:
    world = World()
    world.disk.ca.terms = "https://ca.example/terms"
    refused = refusal(world, issuer())
    assert isinstance(refused, NeedsPerson)
    assert refused.reason == "TermsNotAgreed"
    assert "https://ca.example/terms" in refused.message
    assert not world.disk.secrets.bodies
    assert not asked(world)
    assert open_account(world, termsOfServiceAgreed=True).url


BINDING = {"keyID": "kid-1", "keySecretRef": {"name": "eab", "key": "mac"}}


def test_a_ca_that_wants_a_binding_says_so_and_gets_it() -> None:
    world = World()
    world.disk.ca.bindings = {"kid-1": b"secret-mac-key-marker"}
    assert refusal(world, issuer()).reason == "ExternalAccountRequired"
    waiting = refusal(world, issuer(externalAccountBinding=BINDING))
    assert (waiting.reason, isinstance(waiting, NotYet)) == ("CredentialMissing", True)
    world.disk.secrets.put("shop", "eab", {"mac": "c2VjcmV0LW1hYy1rZXktbWFya2Vy"}, "credential")
    open_account(world, externalAccountBinding=BINDING)
    bound = asked(world)[-1]
    assert set(bound["externalAccountBinding"]) == {"protected", "payload", "signature"}
    assert "secret-mac" not in str(bound)


MAC_KEYS = {
    "base64url": "-__--__--__--__--__--__--__--__--__--__--w",
    "padded": "-__--__--__--__--__--__--__--__--__--__--w==",
    "plain base64": "+//++//++//++//++//++//++//++//++//++//++w",
}
_MAC = base64.urlsafe_b64decode(MAC_KEYS["padded"])


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
@pytest.mark.parametrize("written", MAC_KEYS)
def test_an_account_is_bound_by_the_mac_that_the_spec_names(algorithm: str, written: str) -> None:
    world = World()
    world.disk.ca.bindings, world.disk.ca.macs = {"kid-1": _MAC}, (algorithm,)
    world.disk.secrets.put("shop", "eab", {"mac": MAC_KEYS[written]}, "credential")
    assert open_account(world, externalAccountBinding=BINDING | {"keyAlgorithm": algorithm}).url


def test_a_corrected_mac_key_is_used_although_the_old_one_was_just_read() -> None:
    world = World()
    world.disk.ca.bindings = {"kid-1": _MAC}
    world.disk.secrets.put("shop", "eab", {"mac": "d3Jvbmc"}, "credential")
    refused = refusal(world, issuer(externalAccountBinding=BINDING))
    assert (refused.reason, isinstance(refused, NeedsPerson)) == ("ExternalAccountRequired", True)
    world.disk.secrets.put("shop", "eab", {"mac": "*** paste here ***"}, "credential")
    refused = refusal(world, issuer(externalAccountBinding=BINDING))
    assert 'is not base64url; copy it again as the CA shows it (Secret eab, key "mac")' in refused.message
    assert "paste" not in refused.message
    world.disk.secrets.put("shop", "eab", {"mac": MAC_KEYS["padded"]}, "credential")
    assert open_account(world, externalAccountBinding=BINDING).url


@pytest.mark.parametrize(
    "changed", [{"keyID": "kid-2"}, {"keySecretRef": {"name": "gone", "key": "mac"}}, None]
)
def test_an_account_that_is_bound_stays_whatever_the_binding_says_later(changed: Any) -> None:
    world = World()
    world.disk.ca.bindings = {"kid-1": _MAC}
    world.disk.secrets.put("shop", "eab", {"mac": MAC_KEYS["padded"]}, "credential")
    first = open_account(world, externalAccountBinding=BINDING)
    other = issuer(externalAccountBinding=BINDING | changed) if changed else issuer()
    assert world.opening.open(other).url == first.url
    assert asked(world)[-1] == {"onlyReturnExisting": True}


def test_one_key_at_one_directory_is_one_account_whatever_the_query() -> None:
    world = World()
    accounts = []
    for query in ("?action=new", "?action=renew&orderId=%2f1"):
        world.disk.ca.query = query
        accounts.append(open_account(world, server=f"{BASE}/dir{query}"))
    assert len(world.disk.ca.accounts) == 1
    assert accounts[0].authority is not accounts[1].authority, "each has a directory of its own"
    assert {each.url for each in world.disk.ca.seen if each.kind == "directory"} == {
        f"{BASE}/dir?action=new",
        f"{BASE}/dir?action=renew&orderId=%2f1",
    }
    one, other = (world.accounts.registering(f"{BASE}{path}", "t") for path in ("/dir?a=1", "/dir"))
    assert one is other
    assert world.accounts.registering(f"{BASE}/dir2", "t") is not one


def test_a_changed_address_is_told_to_the_ca_once() -> None:
    world = World()
    open_account(world, email="old@example.org")
    known = issuer(email="new@example.org")
    acme = AcmeStatus(account_url=f"{BASE}/my-account/1", last_registered_email="old@example.org")
    world.opening.open(replace(known, status=replace(known.status, acme=acme)))
    assert ("account", {"contact": ["mailto:new@example.org"]}) in world.disk.ca.payloads
    count = world.disk.ca.count("account")
    acme = replace(acme, last_registered_email="new@example.org")
    world.opening.open(replace(known, status=replace(known.status, acme=acme)))
    assert world.disk.ca.count("account") == count


def test_a_closed_account_needs_another_key() -> None:
    world = World()
    told = Answer(200, b'{"status": "deactivated"}', {"location": f"{BASE}/my-account/1"})
    world.disk.ca.rule(acme("new-account"), told)
    refused = refusal(world, issuer())
    assert isinstance(refused, NeedsPerson)
    assert (refused.reason, "deactivated" in refused.message) == ("AccountRefused", True)


BAD_KEYS = [
    pytest.param({"tls.key": "garbage"}, "account", "AccountKeyInvalid", NeedsPerson, id="no key at all"),
    pytest.param({"tls.key": b"\xff\x00"}, "account", "AccountKeyInvalid", NeedsPerson, id="no text"),
    pytest.param({"other": "x"}, "account", "AccountKeyInvalid", NotYet, id="another field"),
    pytest.param({"tls.key": "x"}, None, "CredentialUnlabelled", NotYet, id="not labelled"),
    pytest.param({"tls.key": "x"}, "credential", "AccountKeyInvalid", NeedsPerson, id="a credential"),
    pytest.param({"tls.key": "x"}, "target", "AccountKeyInvalid", NeedsPerson, id="a target"),
]


@pytest.mark.parametrize(("data", "label", "reason", "kind"), BAD_KEYS)
def test_a_secret_that_is_no_account_key_is_told_and_left_alone(
    data: dict[str, str | bytes], label: str | None, reason: str, kind: type[Setback]
) -> None:
    world = World()
    before = world.disk.secrets.put("shop", "ca-account", data, label)
    refused = refusal(world, issuer())
    assert isinstance(refused, kind)
    assert refused.reason == reason
    assert "ca-account" in refused.message
    assert world.disk.secrets.bodies["shop", "ca-account"] == before
    assert not asked(world)


def test_a_key_of_the_users_own_is_used() -> None:
    world = World()
    pem = generate_account_key()
    world.disk.secrets.put("shop", "ca-account", {"tls.key": pem.reveal()}, "account")
    assert open_account(world).key.thumbprint == AccountKey.from_pem(pem).thumbprint


def test_an_account_shows_no_key() -> None:
    world = World()
    account = open_account(world)
    secret = world.disk.secrets.bodies["shop", "ca-account"]
    body = (secret_bytes(secret, "tls.key") or b"").decode().splitlines()[1]
    assert body not in repr(account)
