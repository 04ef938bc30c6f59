"""What the watches have shown: newer never gives way to older, and every index follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from certwright.reconcile.cache import Cache
from certwright.resources.certificate import Certificate
from certwright.resources.issuer import Issuer
from certwright.resources.metadata import Unreadable
from certwright.resources.names import Ref
from tests.reconcile.situations import certificate, issuer, target

WEB = certificate()


def version(number: int, **spec: Any) -> Certificate:
    changed = certificate(**spec)
    return replace(changed, meta=replace(changed.meta, resource_version=str(number)))


@given(st.permutations([9, 10, 11, 100, 1000]))
def test_the_newest_version_stays_whatever_the_order(order: list[int]) -> None:
    """Numbers, not texts: "9" is older than "10"."""
    cache = Cache()
    for number in order:
        cache.put_certificate(version(number, secretName=f"secret-{number}"))
        cache.put_target(("shop", "x"), target(resource_version=str(number)))
        known = issuer(email=f"a{number}@example.org")
        cache.put_issuer(
            replace(known, meta=replace(known.meta, resource_version=str(number))), [("shop", f"s{number}")]
        )
    kept = cache.certificate(WEB.ref)
    assert isinstance(kept, Certificate)
    assert kept.spec.secret_name == "secret-1000"  # noqa: S105  a name
    assert cache.certificates_of_secret(("shop", "secret-1000")) == (WEB.ref,)
    assert all(
        not cache.certificates_of_secret(("shop", f"secret-{number}")) for number in order if number < 1000
    )
    found = cache.target(("shop", "x"))
    assert found is not None
    assert found.resource_version == "1000"
    ca = cache.issuer(issuer().ref)
    assert isinstance(ca, Issuer)
    assert ca.spec.email == "a1000@example.org"
    assert cache.issuers_of_secret(("shop", "s1000")) == (issuer().ref,)
    assert cache.issuers_of_secret(("shop", "s9")) == ()


def test_the_same_version_again_is_taken() -> None:
    """A re-list shows what is known already, and our own writes come back through the watch."""
    cache = Cache()
    cache.put_certificate(version(7))
    cache.put_certificate(version(7, secretName="other"))
    kept = cache.certificate(WEB.ref)
    assert isinstance(kept, Certificate)
    assert kept.spec.secret_name == "other"  # noqa: S105  a name


def test_an_object_recreated_under_its_name_takes_the_place() -> None:
    cache = Cache()
    cache.put_certificate(version(50))
    second = version(60)
    cache.put_certificate(replace(second, meta=replace(second.meta, uid="uid-2")))
    kept = cache.certificate(WEB.ref)
    assert kept is not None
    assert kept.meta.uid == "uid-2"


def test_our_own_write_of_an_issuer_keeps_the_secrets_that_it_names() -> None:
    cache = Cache()
    ca = issuer()
    cache.put_issuer(ca, [("shop", "ca-account")])
    cache.note_issuer(replace(ca, meta=replace(ca.meta, resource_version="4")))
    assert cache.issuers_of_secret(("shop", "ca-account")) == (ca.ref,)
    kept = cache.issuer(ca.ref)
    assert kept is not None
    assert kept.meta.resource_version == "4"


def test_an_unreadable_certificate_stands_in_no_index() -> None:
    cache = Cache()
    cache.put_certificate(version(7))
    meta = replace(WEB.meta, resource_version="8")
    cache.put_certificate(Unreadable(ref=WEB.ref, meta=meta, conditions=(), status={}, problem="x"))
    assert isinstance(cache.certificate(WEB.ref), Unreadable)
    assert cache.certificates_of_secret(("shop", "web-tls")) == ()
    assert cache.certificates_of_issuer(WEB.spec.issuer_ref) == ()


names = st.sampled_from(["a", "b", "c"])


class Indexes(RuleBasedStateMachine):
    """Whatever is put and dropped, each index says what a search through all objects would say."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = Cache()
        self.model: dict[Ref, Certificate] = {}
        self.issuers: dict[Ref, tuple[tuple[str, str], ...]] = {}
        self.number = 0

    @rule(name=names, secret=names, ca=names)
    def put(self, name: str, secret: str, ca: str) -> None:
        self.number += 1
        made = version(self.number, secretName=secret, issuerRef={"name": ca})
        made = replace(made, ref=replace(made.ref, name=name))
        self.cache.put_certificate(made)
        self.model[made.ref] = made

    @rule(name=names)
    def drop(self, name: str) -> None:
        self.cache.drop_certificate(Ref("Certificate", "shop", name))
        self.model.pop(Ref("Certificate", "shop", name), None)

    @rule(name=names, secrets=st.lists(names, max_size=3))
    def put_issuer(self, name: str, secrets: list[str]) -> None:
        self.number += 1
        made = issuer()
        ref = replace(made.ref, name=name)
        meta = replace(made.meta, resource_version=str(self.number))
        keys = tuple(("shop", secret) for secret in secrets)
        self.cache.put_issuer(replace(made, ref=ref, meta=meta), keys)
        self.issuers[ref] = keys

    @rule(name=names)
    def drop_issuer(self, name: str) -> None:
        self.cache.drop_issuer(Ref("Issuer", "shop", name))
        self.issuers.pop(Ref("Issuer", "shop", name), None)

    @invariant()
    def indexes_agree(self) -> None:
        for name in ("a", "b", "c"):
            by_secret = {ref for ref, each in self.model.items() if each.spec.secret_name == name}
            by_issuer = {ref for ref, each in self.model.items() if each.spec.issuer_ref.name == name}
            readers = {ref for ref, keys in self.issuers.items() if ("shop", name) in keys}
            assert set(self.cache.certificates_of_secret(("shop", name))) == by_secret
            assert set(self.cache.certificates_of_issuer(Ref("Issuer", "shop", name))) == by_issuer
            assert set(self.cache.issuers_of_secret(("shop", name))) == readers
        assert {each.ref for each in self.cache.certificates()} == set(self.model)
        assert {each.ref for each in self.cache.issuers()} == set(self.issuers)


TestIndexes = Indexes.TestCase
TestIndexes.settings = settings(max_examples=25, stateful_step_count=15)
