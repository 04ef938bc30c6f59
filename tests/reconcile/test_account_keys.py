"""A CA that does not take what our account key signs by: when the key is made anew, and when a person is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from certwright.acme.jws import AccountKey, generate_account_key
from certwright.failures import NeedsPerson, NotYet, Setback
from certwright.reconcile.credentials import secret_bytes
from certwright.resources.issuer import read_issuer
from certwright.resources.issuer_status import AcmeStatus
from certwright.resources.names import Ref
from certwright.secret_text import SecretText
from tests.kit.fake_ca_faults import not_signed_by
from tests.kit.faults import acme
from tests.reconcile.days import Days
from tests.reconcile.fakes import NAMES
from tests.reconcile.situations import issuer
from tests.reconcile.world import BASE, CA, Killed, World, issuer_spec

if TYPE_CHECKING:
    from certwright.resources.issuer import Issuer

SECRET = ("shop", "ca-account")
REPLACED = ["before:replace-account-key", "after:replace-account-key"]


def world_of(*algorithms: str) -> World:
    """A CA that takes only these."""
    world = World()
    world.disk.ca.algorithms = algorithms
    return world


def key_of(world: World) -> AccountKey:
    """What is in the Secret."""
    text = secret_bytes(world.disk.secrets.bodies[SECRET], "tls.key") or b""
    return AccountKey.from_pem(SecretText(text.decode()))


def made_before(world: World) -> AccountKey:
    """A key that the operator made for this CA before it died."""
    world.die_at = "after:create-account-key"
    with pytest.raises(Killed):
        world.opening.open(issuer())
    world.die_at = ""
    world.passed.clear()
    return key_of(world)


def refusal(world: World, made: Issuer) -> Setback:
    with pytest.raises(Setback) as caught:
        world.opening.open(made)
    return caught.value


@pytest.mark.parametrize(
    ("taken", "chosen"),
    [(("ES384",), "ES384"), (("RS256",), "RS256"), (("EdDSA", "RS256", "ES384"), "ES384")],
)
def test_a_key_of_a_kind_that_the_ca_takes_is_made_and_the_account_opened_with_it(
    taken: tuple[str, ...], chosen: str
) -> None:
    world = world_of(*taken)
    account = world.opening.open(issuer())
    assert account.key.algorithm == key_of(world).algorithm == chosen
    assert account.key.thumbprint == key_of(world).thumbprint
    assert [known.url for known in world.disk.ca.accounts.values()] == [account.url]
    assert [point for point in world.passed if "replace" in point] == REPLACED
    body = world.disk.secrets.bodies[SECRET]
    assert account.key_version.endswith(f"/{body['metadata']['resourceVersion']}")
    again = World(world.disk).opening.open(issuer())
    assert again.url == account.url


def test_a_key_that_was_made_before_a_crash_is_replaced_as_well() -> None:
    world = world_of("RS256")
    old = made_before(world)
    assert world.opening.open(issuer()).key.thumbprint != old.thumbprint


@pytest.mark.parametrize("point", [*REPLACED, "after:create-account-key", "after:new-account"])
def test_killed_at_any_step_the_next_process_ends_with_one_account_and_its_key(point: str) -> None:
    world = world_of("RS256")
    world.die_at = point
    with pytest.raises(Killed):
        world.opening.open(issuer())
    account = World(world.disk).opening.open(issuer())
    assert account.key.thumbprint == key_of(world).thumbprint
    assert [known.url for known in world.disk.ca.accounts.values()] == [account.url]


def test_a_secret_that_changed_meanwhile_is_not_written_over() -> None:
    world = world_of("RS256")
    made_before(world)
    own = generate_account_key("RS256")

    def overtake(point: str) -> None:
        if point == REPLACED[0]:
            world.disk.secrets.put(*SECRET, {"tls.key": own.reveal()}, "account")

    object.__setattr__(world.opening.keys, "checkpoint", overtake)
    assert isinstance(refusal(world, issuer()), NotYet)
    assert key_of(world).thumbprint == AccountKey.from_pem(own).thumbprint
    assert world.opening.open(issuer()).key.algorithm == "RS256"


def users_own(world: World) -> Issuer:
    world.disk.secrets.put(*SECRET, {"tls.key": generate_account_key().reveal()}, "account")
    return issuer()


def edited(world: World) -> Issuer:
    made_before(world)
    other = generate_account_key().reveal()
    world.disk.secrets.edit(*SECRET, "kubectl-edit", data={"tls.key": other})
    return issuer()


def of_another_ca(world: World) -> Issuer:
    made_before(world)
    body = world.disk.secrets.bodies[SECRET]
    body["metadata"]["annotations"][NAMES.directory] = "https://other.example/dir"
    return issuer()


def with_an_account(world: World) -> Issuer:
    key, made = made_before(world), issuer()
    acme_status = AcmeStatus(account_url=f"{BASE}/my-account/7", key_thumbprint=key.thumbprint)
    return replace(made, status=replace(made.status, acme=acme_status))


def shared(world: World) -> Issuer:
    made_before(world)
    other = Ref("Issuer", "shop", "other")
    world.disk.apply(other, issuer_spec())
    world.cache.put_issuer(read_issuer(world.disk.objects.bodies[other], NAMES), [SECRET])
    return issuer()


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (users_own, "not made by the operator for this CA"),
        (edited, "not made by the operator for this CA"),
        (of_another_ca, "not made by the operator for this CA"),
        (with_an_account, "account https://ca.example/my-account/7 was opened with it"),
        (shared, "Issuer shop/other uses it too"),
    ],
)
def test_a_key_that_may_be_needed_stays_and_a_person_hears_which_kinds_are_taken(
    prepare: Any, why: str
) -> None:
    world = world_of("ES384", "RS256")
    made = prepare(world)
    before = key_of(world).thumbprint
    told = refusal(world, made)
    assert isinstance(told, NeedsPerson)
    assert told.reason == "AccountKeyInvalid"
    assert why in told.message
    assert "ES384, RS256" in told.message
    assert "privateKeySecretRef" in told.message
    assert key_of(world).thumbprint == before
    assert not set(world.passed) & set(REPLACED)


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        ([], "does not say which"),
        (["EdDSA"], "the operator signs by ES256, ES384, RS256"),
        (["ES256", "RS256"], "in the same breath"),
    ],
)
def test_a_ca_whose_list_does_not_help_is_a_persons_business(taken: list[str], words: str) -> None:
    world = World()
    made_before(world)
    world.disk.ca.rule(acme("new-account"), not_signed_by(*taken))
    assert words in refusal(world, issuer()).message
    assert not set(world.passed) & set(REPLACED)


def test_a_ca_that_never_takes_what_it_lists_does_not_have_keys_made_in_a_loop() -> None:
    world = World()
    world.disk.ca.rule(acme("new-account"), not_signed_by("EdDSA", "ES384"))
    world.disk.apply_usual()
    world.see_all()
    Days(world, CA).pass_by(hours=24)
    assert sum("before:replace" in point for point in world.passed) == 1
    assert world.disk.ca.count("new-account") <= 6
    stalled = world.condition("Stalled", CA)
    assert stalled is not None
    assert stalled[1] == "AccountKeyInvalid"


def test_a_key_that_is_not_taken_any_more_holds_the_account_not_each_certificate_for_itself() -> None:
    world = World().ready()
    rule = world.disk.ca.rule(acme("new-order"), not_signed_by("RS256"))
    names = [Ref("Certificate", "shop", f"web-{number}") for number in range(5)]
    for name in names:
        spec = {
            "secretName": name.name,
            "dnsNames": [f"{name.name}.example.org"],
            "issuerRef": {"name": "ca"},
        }
        world.disk.apply(name, spec)
    world.see_all()
    Days(world, CA, *names).pass_by(hours=5)
    assert rule.hits == 1
    assert [limit["reason"] for limit in world.disk.objects.bodies[CA]["status"]["limits"]] == [
        "AccountKeyInvalid"
    ]
    assert "RS256" in world.disk.objects.bodies[CA]["status"]["limits"][0]["detail"]
