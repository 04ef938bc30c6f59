"""What an Ingress gets for what it asks, as tables of sentences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.resources.conditions import Reason
from certwright.resources.names import ApiNames, Ref
from certwright.shim.applicant import Options
from certwright.shim.plan import MOST_SECRETS, Facts, asks_for, plan
from tests.shim.situations import ASKS, OPTIONS, SITE, TLS_ACME, WEB, applicant, made, tls

if TYPE_CHECKING:
    from certwright.shim.applicant import Applicant
    from certwright.shim.made import Made
    from certwright.shim.plan import Plan

ISSUER_REF = {"name": "ca", "kind": "Issuer"}
NOTHING = Facts()
DEFAULT = {"kubernetes.io/tls-acme": "true"}


def ours(**annotations: str) -> dict[str, str]:
    """An issuer and more annotations of ours, `_` for `-`."""
    return ASKS | {f"certwright.dev/{name.replace('_', '-')}": text for name, text in annotations.items()}


def specs(found: Plan) -> dict[str, dict[str, Any]]:
    return {each.name: dict(each.spec) for each in found.apply}


def told(found: Plan) -> list[str]:
    return [f"{each.reason}: {each.message}" for each in found.remarks]


def already(it: Applicant, facts: Facts = NOTHING, options: Options = OPTIONS) -> dict[str, Made]:
    """The Certificates of an object that asked before."""
    return {each.name: made(each, it) for each in plan(it, facts, options).apply}


def test_each_tls_block_gets_a_certificate_named_after_its_secret() -> None:
    found = plan(applicant(WEB, tls("blog-tls", "blog.example.com")), Facts(), OPTIONS)
    assert specs(found) == {
        "web-tls": {
            "secretName": "web-tls",
            "dnsNames": ["www.example.com", "example.com"],
            "issuerRef": ISSUER_REF,
        },
        "blog-tls": {"secretName": "blog-tls", "dnsNames": ["blog.example.com"], "issuerRef": ISSUER_REF},
    }
    assert (found.remove, found.remarks) == ((), ())


MERGED = [
    pytest.param([WEB, tls("web-tls", "a.example.com")], "www.example.com example.com a.example.com"),
    pytest.param([tls("web-tls", "b.example.com"), tls("web-tls", "b.example.com")], "b.example.com"),
    pytest.param([tls("web-tls"), tls("web-tls", "b.example.com")], "b.example.com"),
    pytest.param([tls("web-tls", "b.example.com", "a.example.com", "")], "b.example.com a.example.com"),
]


@pytest.mark.parametrize(("blocks", "names"), MERGED)
def test_blocks_of_one_secret_are_one_certificate_for_all_their_hosts_in_order(
    blocks: list[dict[str, Any]], names: str
) -> None:
    found = plan(applicant(*blocks), Facts(), OPTIONS)
    assert {name: spec["dnsNames"] for name, spec in specs(found).items()} == {"web-tls": names.split()}
    assert found.remarks == ()


def test_five_hundred_blocks_are_five_hundred_certificates() -> None:
    asking = applicant(*(tls(f"s{at}", f"h{at}.example.com") for at in range(500)))
    assert len(plan(asking, Facts(), OPTIONS).apply) == 500
    assert not plan(asking, Facts(made=already(asking)), OPTIONS).writes


FIELDS = [
    pytest.param({"common_name": "example.com"}, {"commonName": "example.com"}),
    pytest.param({"duration": "90d", "renew_before": "30d"}, {"duration": "90d", "renewBefore": "30d"}),
    pytest.param({"renew_before_percentage": "33"}, {"renewBeforePercentage": 33}),
    pytest.param(
        {
            "private_key_algorithm": "RSA",
            "private_key_size": "4096",
            "private_key_encoding": "PKCS1",
            "private_key_rotation_policy": "Never",
        },
        {
            "privateKey": {
                "algorithm": "RSA",
                "size": 4096,
                "encoding": "PKCS1",
                "rotationPolicy": "Never",
            }
        },
    ),
    pytest.param({"duration": "", "common_name": "  "}, {}),
    pytest.param({"issuer_kind": "ClusterIssuer"}, {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}),
    pytest.param(
        {"issuer": "", "cluster_issuer": "all"}, {"issuerRef": {"name": "all", "kind": "ClusterIssuer"}}
    ),
    pytest.param(
        {"alt_names": "x.example.com, example.com,,"},
        {"dnsNames": ["www.example.com", "example.com", "x.example.com"]},
    ),
]


@pytest.mark.parametrize(("annotations", "fields"), FIELDS)
def test_annotations_become_fields(annotations: dict[str, str], fields: dict[str, Any]) -> None:
    found = plan(applicant(WEB, annotations=ours(**annotations)), Facts(), OPTIONS)
    usual = {
        "secretName": "web-tls",
        "dnsNames": ["www.example.com", "example.com"],
        "issuerRef": ISSUER_REF,
    }
    assert specs(found) == {"web-tls": usual | fields}
    assert found.remarks == ()


@pytest.mark.parametrize(("annotations", "fields"), FIELDS)
def test_a_changed_annotation_changes_the_certificate_and_what_is_as_asked_is_left(
    annotations: dict[str, str], fields: dict[str, Any]
) -> None:
    before, now = applicant(WEB), applicant(WEB, annotations=ours(**annotations))
    assert [each.name for each in plan(now, Facts(made=already(before)), OPTIONS).apply] == (
        ["web-tls"] if fields else []
    )
    assert not plan(now, Facts(made=already(now)), OPTIONS).writes


MISTAKES = [
    pytest.param(
        [WEB],
        ours(cluster_issuer="all"),
        "certwright.dev/issuer and certwright.dev/cluster-issuer exclude each other; remove one",
    ),
    pytest.param(
        [WEB],
        {"certwright.dev/cluster-issuer": "all", "certwright.dev/issuer-kind": "Issuer"},
        "certwright.dev/issuer-kind is for certwright.dev/issuer alone",
    ),
    pytest.param(
        [WEB],
        {"certwright.dev/duration": "90d"},
        "no issuer is named, so no certificate is asked for; add certwright.dev/issuer or certwright.dev/cluster-",
    ),
    pytest.param(
        [tls(None, "a.example.com")], ASKS, "spec.tls[0] has no secretName; write the name of the Secret"
    ),
    pytest.param([tls("web-tls")], ASKS, "spec.tls[0] names no hosts; write those"),
    pytest.param([], ASKS, "spec.tls is empty, so no certificate is asked for; add a block"),
    pytest.param(
        [WEB], ours(duration="soon"), "certwright.dev/duration: write a duration such as 2160h, 90d"
    ),
    pytest.param([WEB], ours(duration="5m"), "certwright.dev/duration: duration must be 1h or more"),
    pytest.param(
        [WEB],
        ours(duration="1d", renew_before="2d"),
        "certwright.dev/renew-before must be shorter than duration",
    ),
    pytest.param(
        [WEB],
        ours(renew_before="2d", renew_before_percentage="3"),
        "certwright.dev/renew-before and certwright.dev/renew-before-percentage exclude each other",
    ),
    pytest.param(
        [WEB],
        ours(private_key_size="big"),
        "certwright.dev/private-key-size: write a whole number (found 'big')",
    ),
    pytest.param([WEB], ours(private_key_size="1024"), "certwright.dev/private-key-size: without algorithm"),
    pytest.param(
        [WEB],
        ours(private_key_algorithm="rsa"),
        "certwright.dev/private-key-algorithm: 'rsa' is not known; write RSA, ECDSA or Ed25519",
    ),
    pytest.param(
        [WEB], ours(issuer_kind="Vault"), "certwright.dev/issuer-kind: 'Vault' is not known; write Issuer or"
    ),
    pytest.param(
        [WEB],
        {"certwright.dev/issuer": "My CA"},
        "certwright.dev/issuer or certwright.dev/cluster-issuer: write the name of an Issuer",
    ),
    pytest.param(
        [WEB],
        ours(common_name="other.example.com"),
        "the certificate for Secret web-tls: certwright.dev/common-name is not one of the hosts of the TLS block and "
        "certwright.dev/alt-names; add it there",
    ),
    pytest.param(
        [tls("web-tls", "192.0.2.1")],
        ASKS,
        "the certificate for Secret web-tls: a host or certwright.dev/alt-names: IP addresses are not supported",
    ),
    pytest.param(
        [tls("Web", "a.example.com")], ASKS, "the certificate for Secret Web: write the name of a Secret"
    ),
    pytest.param(
        [WEB],
        ours(alt_names=",".join(f"h{at}.example.com" for at in range(99))),
        "the certificate for Secret web-tls: 101 names are too many for one certificate, which holds 100 at most",
    ),
    pytest.param(
        [WEB],
        ours(alt_names=",".join(f"h{at}.example.com" for at in range(101))),
        "certwright.dev/alt-names: 101 names are too many for one certificate, which holds 100 at most; remove some",
    ),
]


@pytest.mark.parametrize(("blocks", "annotations", "sentence"), MISTAKES)
def test_a_mistake_is_told_and_nothing_is_made(
    blocks: list[dict[str, Any]], annotations: dict[str, str], sentence: str
) -> None:
    found = plan(applicant(*blocks, annotations=annotations), Facts(), OPTIONS)
    assert not found.writes
    (remark,) = told(found)
    assert remark.startswith(f"BadConfig: {sentence}")


@pytest.mark.parametrize(("blocks", "annotations", "sentence"), MISTAKES[6:])
def test_a_mistake_in_what_was_good_leaves_the_certificate_as_it_is(
    blocks: list[dict[str, Any]], annotations: dict[str, str], sentence: str
) -> None:
    (before,) = already(applicant(tls("web-tls", "www.example.com"))).values()
    facts = Facts(made={blocks[0]["secretName"]: before})
    found = plan(applicant(*blocks, annotations=annotations), facts, OPTIONS)
    assert not found.writes
    assert sentence in told(found)[0]
    assert told(found)[0].endswith("; until then the Certificate stays as it is")


def test_a_mistake_that_concerns_all_blocks_is_told_once() -> None:
    for written in (
        ours(duration="soon"),
        ours(private_key_size="big"),
        ours(alt_names=",".join(f"h{at}.example.com" for at in range(40_000))),
    ):
        asking = applicant(WEB, tls("blog-tls", "blog.example.com"), annotations=written)
        assert len(plan(asking, Facts(), OPTIONS).remarks) == 1


def test_as_many_names_as_one_certificate_holds_are_had() -> None:
    names = ",".join(f"h{at}.example.com" for at in [*range(98), *range(98)])
    found = plan(applicant(WEB, annotations=ours(alt_names=names)), Facts(), OPTIONS)
    assert (len(specs(found)["web-tls"]["dnsNames"]), found.remarks) == (100, ())


def test_of_forty_thousand_secrets_the_first_thousand_are_served_and_none_is_taken_back() -> None:
    blocks = [tls(f"s{at}", "a.example.com") for at in range(40_000)]
    asking = applicant(*blocks, tls(None))
    last = already(applicant(blocks[-1]))
    found = plan(asking, Facts(made=last), OPTIONS)
    assert [each.name for each in found.apply] == [f"s{at}" for at in range(MOST_SECRETS)]
    assert found.remove == ()
    assert told(found)[0] == (
        "BadConfig: this Ingress names 40000 Secrets, of which the first 1000 are served; spread them over several "
        "objects"
    )


def test_a_block_that_cannot_be_had_does_not_hold_up_the_others() -> None:
    found = plan(applicant(tls("bad-tls", "a_b.example.com"), WEB), Facts(), OPTIONS)
    assert list(specs(found)) == ["web-tls"]
    assert len(found.remarks) == 1


def test_both_issuers_change_and_remove_nothing() -> None:
    facts = Facts(made=already(applicant(WEB, tls("gone-tls", "gone.example.com"))))
    assert not plan(applicant(WEB, annotations=ours(cluster_issuer="all")), facts, OPTIONS).writes


TYPOS = [
    ("certwright.dev/isuer", "did you mean certwright.dev/issuer?"),
    ("certwright.dev/clusterissuer", "did you mean certwright.dev/cluster-issuer?"),
    ("certwright.dev/private-key-algoritm", "did you mean certwright.dev/private-key-algorithm?"),
    ("certwright.dev/x", "known are issuer, cluster-issuer, issuer-kind, alt-names"),
]


@pytest.mark.parametrize(("name", "helps"), TYPOS)
def test_what_is_no_annotation_of_ours_is_told_with_the_nearest_name(name: str, helps: str) -> None:
    found = plan(applicant(WEB, annotations=ASKS | {name: "ca"}), Facts(), OPTIONS)
    assert list(specs(found)) == ["web-tls"]
    (remark,) = told(found)
    assert remark.startswith(f"BadConfig: {name} is not known and has no effect; {helps}")


def test_of_thousands_of_unknown_annotations_the_first_hundred_are_looked_at() -> None:
    strangers = {f"certwright.dev/x{at:05}": "" for at in range(8_000)}
    found = plan(applicant(WEB, annotations=ASKS | strangers), Facts(), OPTIONS)
    assert (len(found.remarks), list(specs(found))) == (100, ["web-tls"])


@pytest.mark.parametrize("name", ["isuer", "clusterissuer", "Issuer"])
def test_an_issuer_that_is_misspelt_removes_nothing_and_says_until_when(name: str) -> None:
    facts = Facts(made=already(applicant(WEB)))
    found = plan(applicant(WEB, annotations={f"certwright.dev/{name}": "ca"}), facts, OPTIONS)
    assert not found.writes
    assert told(found)[1] == (
        "BadConfig: no issuer is named, so no certificate is asked for; add certwright.dev/issuer or certwright.dev/"
        f"cluster-issuer; the Certificates that are there stay until certwright.dev/{name} is corrected"
    )


@pytest.mark.parametrize("name", ["issuer-knd", "alt-name", "something"])
def test_any_other_annotation_that_is_misspelt_does_not_keep_what_nobody_asks_for(name: str) -> None:
    facts = Facts(made=already(applicant(WEB)))
    found = plan(applicant(WEB, annotations={f"certwright.dev/{name}": "ca"}), facts, OPTIONS)
    assert [each.ref.name for each in found.remove] == ["web-tls"]


GONE = [
    pytest.param([WEB], {}, ["web-tls", "blog-tls"], id="the annotation"),
    pytest.param([WEB], ASKS, ["blog-tls"], id="a block"),
    pytest.param([], ASKS, ["web-tls", "blog-tls"], id="all blocks"),
    pytest.param([WEB, tls("blog-tls")], ASKS, [], id="the hosts of a block alone"),
    pytest.param([], {"certwright.dev/duration": "90d"}, ["web-tls", "blog-tls"], id="the issuer alone"),
]


@pytest.mark.parametrize(("blocks", "annotations", "removed"), GONE)
def test_what_is_not_asked_for_any_more_is_removed(
    blocks: list[dict[str, Any]], annotations: dict[str, str], removed: list[str]
) -> None:
    before = applicant(WEB, tls("blog-tls", "blog.example.com"))
    found = plan(applicant(*blocks, annotations=annotations), Facts(made=already(before)), OPTIONS)
    assert [each.ref.name for each in found.remove] == removed
    assert found.apply == ()


def test_what_we_did_not_write_is_not_removed_though_the_object_controls_it() -> None:
    known = {name: replace(each, spec={}) for name, each in already(applicant(WEB)).items()}
    assert not plan(applicant(annotations={}), Facts(made=known), OPTIONS).writes


def test_what_is_being_deleted_is_waited_for() -> None:
    known = {name: replace(each, going=True) for name, each in already(applicant(WEB)).items()}
    for asking in (applicant(WEB, annotations=ours(duration="30d")), applicant(annotations={})):
        assert plan(asking, Facts(made=known), OPTIONS) == plan(applicant(annotations={}), Facts(), OPTIONS)
    leaving = applicant(WEB, deletionTimestamp="2026-11-24T12:00:00Z")
    assert not plan(leaving, Facts(), OPTIONS).writes


OBSTACLES = [
    pytest.param(
        Facts(taken={"web-tls": "made by somebody else"}),
        "CertificateConflict: Certificate web-tls exists already (made by somebody else) and is left as it is; write "
        "another secretName",
    ),
    pytest.param(
        Facts(older={"web-tls": Ref("Ingress", "shop", "first")}),
        "CertificateConflict: Ingress shop/first asks for Secret web-tls too and goes first; write another secretName",
    ),
    pytest.param(
        Facts(cert_managers=frozenset({"web-tls"})),
        "ManagedByCertManager: Secret web-tls is managed by cert-manager and left to it; write another secretName, or "
        "remove cert-manager's Certificate and hand the Secret over: `kubectl annotate secret --namespace shop web-tls "
        "certwright.dev/adopt=true`",
    ),
]


@pytest.mark.parametrize(("facts", "sentence"), OBSTACLES)
def test_what_belongs_to_others_is_left_to_them(facts: Facts, sentence: str) -> None:
    found = plan(applicant(WEB, tls("blog-tls", "blog.example.com")), facts, OPTIONS)
    assert list(specs(found)) == ["blog-tls"]
    assert told(found) == [sentence]
    kept = plan(applicant(WEB), replace(facts, made=already(applicant(WEB))), OPTIONS)
    assert (kept.writes, kept.remarks) == (False, ()), "what the object has already is judged by itself"


CERT_MANAGERS = ["cert-manager.io/cluster-issuer", "acme.cert-manager.io/http01-edit-in-place"]


@pytest.mark.parametrize("theirs", CERT_MANAGERS)
def test_an_ingress_of_cert_manager_is_left_alone_and_told_if_it_speaks_to_us_too(theirs: str) -> None:
    facts = Facts(made=already(applicant(WEB, tls("gone-tls", "gone.example.com"))))
    found = plan(applicant(WEB, annotations=ASKS | {theirs: "x"}), facts, OPTIONS)
    assert not found.writes
    (remark,) = told(found)
    assert remark == (
        f"ManagedByCertManager: this Ingress also speaks to cert-manager ({theirs}) and is left alone; remove the "
        "annotations of cert-manager, or those of certwright.dev"
    )
    silent = plan(applicant(WEB, annotations=DEFAULT | {theirs: "x"}, options=TLS_ACME), Facts(), TLS_ACME)
    assert (silent.writes, silent.remarks) == (False, ())


@pytest.mark.parametrize("theirs", CERT_MANAGERS)
def test_an_ingress_that_is_handed_over_to_cert_manager_has_its_certificates_removed(theirs: str) -> None:
    facts = Facts(made=already(applicant(WEB)))
    found = plan(applicant(WEB, annotations={theirs: "x"}), facts, OPTIONS)
    assert [each.ref.name for each in found.remove] == ["web-tls"]
    assert (found.apply, found.remarks) == ((), ())


def test_where_we_serve_cert_managers_group_its_annotations_are_ours() -> None:
    options = Options(names=ApiNames("cert-manager.io"))
    asking = applicant(WEB, annotations={"cert-manager.io/issuer": "ca"}, options=options)
    assert list(specs(plan(asking, Facts(), options))) == ["web-tls"]
    assert plan(applicant(WEB, options=options), Facts(), options).apply == ()


NO_DEFAULTS = [
    pytest.param(
        {},
        {},
        "kubernetes.io/tls-acme asks for the default ClusterIssuer and there is none; set spec.default",
    ),
    pytest.param(
        {}, {"a": False}, "kubernetes.io/tls-acme asks for the default ClusterIssuer and there is none"
    ),
    pytest.param(
        {},
        {"b": True, "a": True},
        "the ClusterIssuers a, b are all marked as the default; leave spec.default",
    ),
    pytest.param(
        {"cluster_issuers": False},
        {},
        "kubernetes.io/tls-acme asks for the default ClusterIssuer, and the operator works",
    ),
]


@pytest.mark.parametrize(("options", "known", "sentence"), NO_DEFAULTS)
def test_without_one_default_nothing_is_made(
    options: dict[str, bool], known: dict[str, bool], sentence: str
) -> None:
    chosen = replace(TLS_ACME, cluster_issuers=options.get("cluster_issuers", True))
    found = plan(applicant(WEB, annotations=DEFAULT), Facts(cluster_issuers=known), chosen)
    assert not found.writes
    (remark,) = told(found)
    assert remark.startswith(f"{Reason.NO_DEFAULT_ISSUER.word}: {sentence}")


def test_the_default_issuer_is_the_marked_one_and_is_noted() -> None:
    facts = Facts(cluster_issuers={"all": True, "other": False})
    (it,) = plan(applicant(WEB, annotations=DEFAULT), facts, TLS_ACME).apply
    assert it.spec["issuerRef"] == {"name": "all", "kind": "ClusterIssuer"}
    assert it.by_default


KEPT = [
    pytest.param({"all": False, "new": True}, None, id="another default"),
    pytest.param({"all": False}, None, id="none"),
    pytest.param({"all": True, "new": True}, None, id="two"),
    pytest.param({"new": True}, "new", id="it is gone"),
]


@pytest.mark.parametrize(("known", "issuer"), KEPT)
def test_what_a_default_chose_stays_for_as_long_as_it_exists(
    known: dict[str, bool], issuer: str | None
) -> None:
    asking = applicant(WEB, annotations=DEFAULT)
    before = already(asking, Facts(cluster_issuers={"all": True}), TLS_ACME)
    found = plan(asking, Facts(made=before, cluster_issuers=known), TLS_ACME)
    assert [each.spec["issuerRef"]["name"] for each in found.apply] == ([issuer] if issuer else [])
    assert found.remarks == ()


def test_an_issuer_that_is_named_goes_before_the_default() -> None:
    facts = Facts(cluster_issuers={"all": True})
    (it,) = plan(applicant(WEB, annotations=DEFAULT | ASKS), facts, TLS_ACME).apply
    assert (it.spec["issuerRef"], it.by_default) == (ISSUER_REF, False)


def test_tls_acme_means_nothing_until_it_is_switched_on_and_its_switch_removes_nothing() -> None:
    facts = Facts(cluster_issuers={"all": True})
    asking = applicant(WEB, annotations=DEFAULT)
    off = plan(asking, replace(facts, made=already(asking, facts, TLS_ACME)), OPTIONS)
    assert (off.writes, off.remarks) == (False, ())
    removed = plan(
        applicant(WEB, annotations={}), replace(facts, made=already(asking, facts, TLS_ACME)), TLS_ACME
    )
    assert len(removed.remove) == 1


def test_without_its_switch_tls_acme_keeps_what_a_default_chose_and_nothing_else() -> None:
    facts = Facts(cluster_issuers={"all": True})
    chosen = already(applicant(tls("old-tls", "old.example.com"), annotations=DEFAULT), facts, TLS_ACME)
    named = already(applicant(WEB, annotations=DEFAULT | ASKS))
    found = plan(applicant(WEB, annotations=DEFAULT), Facts(made=chosen | named), OPTIONS)
    assert [each.ref.name for each in found.remove] == ["web-tls"]


CLAIMS = [
    (ASKS, OPTIONS, True),
    ({"certwright.dev/cluster-issuer": "all"}, OPTIONS, True),
    (DEFAULT, OPTIONS, False),
    (DEFAULT, TLS_ACME, True),
    ({}, TLS_ACME, False),
    ({"certwright.dev/duration": "90d"}, OPTIONS, False),
    (ASKS | {"certwright.dev/cluster-issuer": "all"}, OPTIONS, False),
    (ASKS | {"cert-manager.io/issuer": "ca"}, OPTIONS, False),
]


@pytest.mark.parametrize(("annotations", "options", "claims"), CLAIMS)
def test_whoever_asks_lays_a_claim_to_the_secrets_it_names(
    annotations: dict[str, str], options: Options, *, claims: bool
) -> None:
    asking = applicant(WEB, tls(None, "x"), annotations=annotations)
    assert asks_for(asking, options) == (frozenset({"web-tls"}) if claims else frozenset())
    assert not asks_for(replace(asking, going=True), options)


CANNOT = [
    pytest.param([tls("web-tls")], ASKS, id="no hosts"),
    pytest.param([WEB], ours(private_key_size="big"), id="an annotation that cannot be"),
    pytest.param(
        [tls("web-tls", *(f"h{at}.example.com" for at in range(101)))], ASKS, id="more names than one holds"
    ),
]


@pytest.mark.parametrize(("blocks", "annotations"), CANNOT)
def test_nobody_lays_a_claim_to_a_secret_that_cannot_be_filled(
    blocks: list[dict[str, Any]], annotations: dict[str, str]
) -> None:
    blog = tls("blog-tls", "blog.example.com")
    asking = applicant(*blocks, blog, annotations=annotations)
    assert asks_for(asking, OPTIONS) == {each.name for each in plan(asking, NOTHING, OPTIONS).apply}
    assert asks_for(applicant(tls("web-tls"), annotations=ours(alt_names="a.example.com")), OPTIONS) == {
        "web-tls"
    }


ANNOTATIONS = st.dictionaries(
    st.sampled_from(
        [
            "certwright.dev/issuer",
            "certwright.dev/cluster-issuer",
            "certwright.dev/duration",
            "certwright.dev/private-key-size",
            "certwright.dev/alt-names",
            "certwright.dev/nonsense",
            "kubernetes.io/tls-acme",
            "cert-manager.io/issuer",
        ]
    ),
    st.sampled_from(["true", "ca", "90d", "256", "", "a.example.com"]) | st.text(max_size=8),
)
SECRETS = ["a-tls", "b-tls", "c-tls", "", "Bad Name"]
BLOCKS = st.lists(
    st.builds(
        lambda secret, hosts: tls(secret, *hosts),
        st.sampled_from(SECRETS),
        st.lists(
            st.sampled_from(["www.example.com", "*.example.com", "x_y", "1.2.3.4", "日本.example"]),
            max_size=3,
        ),
    ),
    max_size=5,
)


STATES = st.tuples(BLOCKS, ANNOTATIONS)


@given(STATES, STATES, st.sets(st.sampled_from(SECRETS)), st.sampled_from([OPTIONS, TLS_ACME]))
def test_whatever_stands_in_an_ingress_only_its_own_certificates_are_written(
    then: tuple[list[dict[str, Any]], dict[str, str]],
    now: tuple[list[dict[str, Any]], dict[str, str]],
    foreign: set[str],
    options: Options,
) -> None:
    facts = Facts(cluster_issuers={"all": True}, taken=dict.fromkeys(foreign, "made by somebody else"))
    known = already(applicant(*then[0], annotations=then[1]), facts, options)
    asking = applicant(*now[0], annotations=now[1])
    found = plan(asking, replace(facts, made=known), options)
    assert not foreign & {each.name for each in found.apply}
    assert all(known[each.ref.name] is each for each in found.remove)
    assert {each.name for each in found.apply} <= asking.secret_names
    assert all(each.spec["secretName"] == each.name for each in found.apply)
    after = {name: each for name, each in known.items() if each not in found.remove}
    after |= {each.name: made(each, asking) for each in found.apply}
    again = plan(asking, replace(facts, made=after), options)
    assert (again.writes, again.remarks) == (False, found.remarks), "a second turn finds nothing to do"


def test_the_object_is_named_as_people_know_it() -> None:
    assert str(SITE) == "Ingress shop/site"
