"""Ingresses that ask for certificates by annotations: a real API server, its garbage collection, and Pebble."""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509

from tests.cluster.troubles.ingresses import INGRESSES, described
from tests.kit.operator_process import NAMESPACE, ROOT, USER
from tests.kit.waiting import eventually
from tests.shim.ingress_page import PAGE
from tests.shim.situations import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.conftest import Tenant
    from tests.cluster.troubles.ingresses import IngressTrouble
    from tests.kit.bench import Bench
    from tests.kit.operator_process import Operator

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("operator")]

ISSUER = "certwright.dev/issuer"
ASKS = {ISSUER: "ca"}
TLS_ACME = {"kubernetes.io/tls-acme": "true"}
WRITES = {"create", "update", "patch", "delete"}
RBAC = ROOT / "charts/certwright/files/rbac.yaml"
#: As a shell reports SIGKILL.
KILLED = 137


def ingress(
    tenant: Tenant, blocks: dict[str, list[str]], annotations: dict[str, str] = ASKS, name: str = "site"
) -> dict[str, Any]:
    """An Ingress with a TLS block for each Secret; hosts are below the tenant's domain."""
    tls = [
        {"secretName": secret, "hosts": [host(tenant, each) for each in hosts]}
        for secret, hosts in blocks.items()
    ]
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": tenant.namespace, "annotations": annotations},
        # Of nobody's class, so that no controller of the kit serves it.
        "spec": {"ingressClassName": "nobody", "tls": tls, "defaultBackend": backend},
    }


def host(tenant: Tenant, label: str) -> str:
    return f"{label}.{tenant.namespace}.example.test"


def put(
    tenant: Tenant, blocks: dict[str, list[str]], annotations: dict[str, str] = ASKS, name: str = "site"
) -> None:
    """Have the Ingress be exactly so: annotations that are left out are gone."""
    tenant.apply(ingress(tenant, blocks, annotations, name))


def names(tenant: Tenant, secret: str) -> list[str]:
    leaf = tenant.leaf(secret)
    san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(san.get_values_for_type(x509.DNSName))


def spec(tenant: Tenant, name: str) -> dict[str, Any]:
    found: dict[str, Any] = tenant.get("certificate", name)["spec"]
    return found


def await_made(tenant: Tenant, *certificates: str) -> None:
    """`kubectl wait` does not wait for what is not there yet."""
    for name in certificates:
        eventually(partial(tenant.exists, "certificate", name), f"Certificate {name}", 30)
    tenant.await_ready(*certificates)


def await_gone(tenant: Tenant, name: str) -> None:
    eventually(lambda: not tenant.exists("certificate", name), f"the end of {name}", 30)


def await_event(tenant: Tenant, reason: str, words: str, name: str = "site") -> None:
    def told() -> bool:
        return any(words in each["note"] for each in tenant.events(name, reason))

    eventually(told, f"{reason} with {words!r}", 30, explain=lambda: str(tenant.events(name, reason)))


def certificates_told(tenant: Tenant, reason: str) -> int:
    """How many Certificates the events of a reason tell of; a note holds 1 kB, so not all names."""
    counts = [re.search(r"([0-9]+) Certificates", each["note"]) for each in tenant.events("site", reason)]
    return sum(int(each[1]) if each else 1 for each in counts)


def writes(bench: Bench, tenant: Tenant, since: Any, *resources: str) -> list[str]:
    return [
        f"{each.verb} {each.resource}/{each.subresource} {each.name}"
        for each in bench.control_plane.audit().requests(USER, since)
        if each.verb in WRITES and each.namespace == tenant.namespace and each.resource in resources
    ]


@pytest.fixture
def site(tenant: Tenant) -> Tenant:
    """A namespace in which an Ingress has a certificate already."""
    put(tenant, {"site-tls": ["www"]})
    await_made(tenant, "site-tls")
    return tenant


def test_an_annotated_ingress_gets_a_certificate_for_each_tls_block(tenant: Tenant, bench: Bench) -> None:
    mark = bench.control_plane.audit().mark()
    put(tenant, {"site-tls": ["www", "shop"], "blog-tls": ["blog"]})
    await_made(tenant, "site-tls", "blog-tls")
    assert names(tenant, "site-tls") == sorted([host(tenant, "www"), host(tenant, "shop")])
    assert names(tenant, "blog-tls") == [host(tenant, "blog")]
    tenant.assert_pair("site-tls")
    (owner,) = tenant.get("certificate", "site-tls")["metadata"]["ownerReferences"]
    assert owner["uid"] == tenant.get("ingress", "site")["metadata"]["uid"]
    await_event(tenant, "CreateCertificate", "Made 2 Certificates: site-tls, blog-tls")
    made = [
        each
        for each in writes(bench, tenant, mark, "certificates")
        if each.startswith("patch certificates/ ")
    ]
    assert sorted(made) == ["patch certificates/ blog-tls", "patch certificates/ site-tls"], "one write each"


def test_a_changed_host_is_reissued_with_the_new_name(site: Tenant) -> None:
    before = site.leaf("site-tls").serial_number
    put(site, {"site-tls": ["www", "new"]})
    eventually(lambda: site.leaf("site-tls").serial_number != before, "the new certificate", 60)
    assert names(site, "site-tls") == sorted([host(site, "www"), host(site, "new")])
    await_event(site, "UpdateCertificate", "Changed Certificate site-tls")


CHANGES: list[tuple[str, str, Callable[[dict[str, Any]], Any], Any]] = [
    ("duration", "30d", lambda found: found["duration"], "30d"),
    ("renew-before-percentage", "40", lambda found: found["renewBeforePercentage"], 40),
    ("private-key-rotation-policy", "Never", lambda found: found["privateKey"]["rotationPolicy"], "Never"),
    (
        "cluster-issuer",
        "nowhere",
        lambda found: found["issuerRef"],
        {"name": "nowhere", "kind": "ClusterIssuer"},
    ),
]


def test_a_changed_annotation_reaches_the_certificate_and_a_removed_one_too(site: Tenant) -> None:
    asked = spec(site, "site-tls")

    def is_as_first_asked() -> bool:
        return spec(site, "site-tls") == asked

    for annotation, text, look, expected in CHANGES:
        usual = {} if annotation == "cluster-issuer" else ASKS
        put(site, {"site-tls": ["www"]}, usual | {f"certwright.dev/{annotation}": text})

        def reached(look: Callable[[dict[str, Any]], Any] = look, expected: Any = expected) -> bool:
            try:
                return bool(look(spec(site, "site-tls")) == expected)
            except KeyError:
                return False

        eventually(reached, f"{annotation} in the Certificate", 30)
        put(site, {"site-tls": ["www"]})
        eventually(is_as_first_asked, f"{annotation} to be gone from it", 30)


def test_an_unchanged_ingress_causes_no_write_also_when_the_operator_starts_again(
    site: Tenant, bench: Bench, mortal: Operator
) -> None:
    await_event(site, "CreateCertificate", "Made Certificate site-tls")
    mark = bench.control_plane.audit().mark()
    site.kubectl("label", "ingress", "site", "team=web")
    assert mortal.stop() == 0
    mortal.begin()
    site.apply(site.certificate("after"))
    site.await_ready("after")
    assert writes(bench, site, mark, "certificates") == [
        each for each in writes(bench, site, mark, "certificates") if each.endswith(" after")
    ]
    assert site.events("site", "UpdateCertificate") == []


def test_what_others_add_to_the_certificate_stays(site: Tenant) -> None:
    site.kubectl("label", "certificates.certwright.dev", "site-tls", "team=web")
    site.patch("certificate", "site-tls", {"spec": {"suspend": True}})
    put(site, {"site-tls": ["www"]}, ASKS | {"certwright.dev/duration": "30d"})
    eventually(lambda: spec(site, "site-tls").get("duration") == "30d", "the duration", 30)
    assert site.get("certificate", "site-tls")["metadata"]["labels"] == {"team": "web"}
    assert spec(site, "site-tls")["suspend"] is True


def test_what_the_ingress_says_is_put_back(site: Tenant) -> None:
    site.patch("certificate", "site-tls", {"spec": {"dnsNames": [host(site, "other")]}})
    eventually(lambda: spec(site, "site-tls")["dnsNames"] == [host(site, "www")], "the names to be back", 30)


def test_what_is_not_asked_for_any_more_goes_and_its_secret_stays(tenant: Tenant) -> None:
    put(tenant, {"site-tls": ["www"], "blog-tls": ["blog"]})
    await_made(tenant, "site-tls", "blog-tls")
    put(tenant, {"site-tls": ["www"]})
    await_gone(tenant, "blog-tls")
    assert tenant.exists("certificate", "site-tls")
    tenant.kubectl("annotate", "ingress", "site", f"{ISSUER}-")
    await_gone(tenant, "site-tls")
    await_event(tenant, "DeleteCertificate", "Deleted Certificate site-tls")
    assert tenant.exists("secret", "site-tls")
    assert tenant.exists("secret", "blog-tls")
    serial = tenant.leaf("site-tls").serial_number
    put(tenant, {"site-tls": ["www"]})
    await_made(tenant, "site-tls")
    assert tenant.leaf("site-tls").serial_number == serial, "what is still good is taken up again"


def test_an_annotation_that_is_removed_while_nobody_looks_is_noticed(site: Tenant, mortal: Operator) -> None:
    assert mortal.stop() == 0
    site.kubectl("annotate", "ingress", "site", f"{ISSUER}-")
    mortal.begin()
    await_gone(site, "site-tls")


def test_an_ingress_takes_its_certificates_along(site: Tenant) -> None:
    site.kubectl("delete", "ingress", "site")
    await_gone(site, "site-tls")
    assert site.exists("secret", "site-tls")


def test_certificates_of_others_are_left_alone_and_the_first_ingress_keeps_its_own(site: Tenant) -> None:
    site.apply(site.certificate("mine"))
    before = spec(site, "mine")
    put(site, {"mine": ["www"], "site-tls": ["other"]}, name="second")
    await_event(site, "CertificateConflict", "Certificate mine exists already", "second")
    await_event(site, "CertificateConflict", "made for Ingress", "second")
    assert spec(site, "mine") == before
    assert spec(site, "site-tls")["dnsNames"] == [host(site, "www")]
    site.kubectl("delete", "certificates.certwright.dev", "mine")
    eventually(lambda: site.exists("certificate", "mine"), "the free name to be taken", 30)
    site.kubectl("delete", "ingress", "site")

    def hosts() -> list[list[str]]:
        found = site.all("certificate")
        return [each["spec"]["dnsNames"] for each in found if each["metadata"]["name"] == "site-tls"]

    eventually(lambda: hosts() == [[host(site, "other")]], "the second to get it", 60)


def test_what_is_cert_managers_is_left_to_it(tenant: Tenant) -> None:
    theirs = {"cert-manager.io/certificate-name": "theirs"}
    tenant.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": "their-tls", "namespace": tenant.namespace, "annotations": theirs},
            "stringData": {"tls.crt": "", "tls.key": ""},
        }
    )
    put(tenant, {"our-tls": ["a"]}, ASKS | {"cert-manager.io/cluster-issuer": "x"}, name="both")
    put(tenant, {"their-tls": ["b"]}, name="its-secret")
    await_event(tenant, "ManagedByCertManager", "also speaks to cert-manager", "both")
    await_event(tenant, "ManagedByCertManager", "Secret their-tls is managed by cert-manager", "its-secret")
    assert tenant.all("certificate") == []


MISTAKES = [
    (ASKS | {"certwright.dev/cluster-issuer": "x"}, "exclude each other"),
    ({"certwright.dev/isuer": "ca"}, "did you mean certwright.dev/issuer?"),
    (ASKS | {"certwright.dev/duration": "soon"}, "certwright.dev/duration: write a duration"),
]


def test_mistakes_are_told_once_and_leave_what_is_there(site: Tenant, mortal: Operator) -> None:
    before = spec(site, "site-tls")
    for asks, words in MISTAKES:
        put(site, {"site-tls": ["other"]}, asks)
        await_event(site, "BadConfig", words)
        assert spec(site, "site-tls") == before
    assert mortal.stop() == 0
    mortal.begin()
    site.apply(site.certificate("after"))
    site.await_ready("after")
    told = [each["note"] for each in site.events("site", "BadConfig")]
    assert len(told) == len(set(told)), "another process does not tell it again"


@pytest.fixture
def cluster_issuer(tenant: Tenant) -> Iterator[Callable[..., str]]:
    """Makes ClusterIssuers by name, marked as the default or not, and takes them away again."""
    made: dict[str, None] = {}
    key = f"{tenant.namespace}-key"

    def make(suffix: str, *, default: bool) -> str:
        name = f"{suffix}-{tenant.namespace}"
        secret = {"name": key, "key": "secret"}
        body = tenant.issuer(
            name,
            "ClusterIssuer",
            solvers=[{"dns01": {"rfc2136": tenant.rfc2136(tsigSecretSecretRef=secret)}}],
        )
        body["spec"]["default"] = default
        tenant.apply(tenant.dns_key() | {"metadata": {"name": key, "namespace": NAMESPACE}}, body)
        made[name] = None
        return name

    yield make
    tenant.kubectl("delete", "ingress", "--all")
    for name in made:
        tenant.plane.kubectl("delete", "clusterissuers.certwright.dev", name)
    tenant.plane.kubectl("delete", "secret", key, f"--namespace={NAMESPACE}", check=False)


def test_tls_acme_asks_for_the_default_issuer_once_the_operator_is_told_so(
    tenant: Tenant, bench: Bench, mortal: Operator, cluster_issuer: Callable[..., str]
) -> None:
    first = cluster_issuer("first", default=True)
    put(tenant, {"site-tls": ["www"]}, TLS_ACME)
    tenant.apply(tenant.certificate("seen"))
    tenant.await_ready("seen")
    assert not tenant.exists("certificate", "site-tls"), "it is off"
    assert mortal.stop() == 0
    mortal.begin({"CERTWRIGHT_TLS_ACME": "true"})
    await_made(tenant, "site-tls")
    assert spec(tenant, "site-tls")["issuerRef"] == {"name": first, "kind": "ClusterIssuer"}
    mark, second = bench.control_plane.audit().mark(), cluster_issuer("second", default=True)
    put(tenant, {"site-tls": ["www"], "blog-tls": ["blog"]}, TLS_ACME)
    await_event(tenant, "NoDefaultIssuer", "are all marked as the default")
    cluster_issuer("first", default=False)
    await_made(tenant, "blog-tls")
    assert spec(tenant, "blog-tls")["issuerRef"]["name"] == second
    assert spec(tenant, "site-tls")["issuerRef"]["name"] == first, "another default reissues nothing"
    assert "patch certificates/ site-tls" not in writes(bench, tenant, mark, "certificates")
    assert mortal.stop() == 0
    mortal.begin()
    tenant.apply(tenant.certificate("later"))
    tenant.await_ready("later")
    assert tenant.exists("certificate", "site-tls"), "the switch deletes nothing"


POINTS = [
    "before:apply-certificate",
    "after:apply-certificate",
    "before:delete-certificate",
    "after:delete-certificate",
]


@pytest.mark.parametrize("point", POINTS)
def test_the_next_process_ends_what_a_killed_one_began(tenant: Tenant, mortal: Operator, point: str) -> None:
    put(tenant, {"old-tls": ["old"]})
    await_made(tenant, "old-tls")
    mortal.kill()
    put(tenant, {"new-tls": ["new"]})
    mortal.begin({"CERTWRIGHT_KILL_AT": point}, wait=False)
    assert mortal.process.wait(60) == KILLED
    mortal.begin(wait=False)
    await_made(tenant, "new-tls")
    await_gone(tenant, "old-tls")
    assert names(tenant, "new-tls") == [host(tenant, "new")]


def test_two_certificates_in_five_hundred_blocks_cost_two_writes(tenant: Tenant, bench: Bench) -> None:
    """The blocks ask an issuer that is not there, so that nothing is ordered."""
    asks = {ISSUER: "nowhere"}
    blocks = {f"s{at}-tls": [f"h{at}"] for at in range(500)}
    put(tenant, blocks, asks)

    def count() -> int:
        return len(tenant.all("certificate"))

    eventually(lambda: count() == 500, "five hundred Certificates", 120)
    eventually(lambda: certificates_told(tenant, "CreateCertificate") == 500, "all of them to be told", 30)
    mark = bench.control_plane.audit().mark()
    put(tenant, blocks | {"s7-tls": ["seven"], "s8-tls": ["eight"]}, asks)
    eventually(lambda: spec(tenant, "s8-tls")["dnsNames"] == [host(tenant, "eight")], "the change", 30)
    changed = [each for each in writes(bench, tenant, mark, "certificates") if "certificates/ " in each]
    assert changed == ["patch certificates/ s7-tls", "patch certificates/ s8-tls"]
    tenant.kubectl("delete", "ingress", "site")
    eventually(lambda: count() == 0, "all to be collected", 120)


TOLD = [each for each in INGRESSES if each.options == OPTIONS and each.step]


@pytest.mark.parametrize("trouble", TOLD, ids=lambda trouble: trouble.name)
def test_the_events_of_the_page_are_those_of_an_api_server(trouble: IngressTrouble, tenant: Tenant) -> None:
    for body in trouble.made:
        metadata = body["metadata"]
        usual = ingress(tenant, {}, metadata["annotations"], metadata["name"])
        tenant.apply(usual | {"spec": usual["spec"] | body["spec"]})
        if metadata["name"] == "other":
            eventually(partial(tenant.exists, "certificate", "web-tls"), "the other's Certificate", 30)
    kept = trouble.golden.read_text()

    def told() -> str:
        events = [each for each in tenant.all("event") if each["regarding"]["name"] == "site"]
        words = {each["note"].replace(f"{tenant.namespace}/", "shop/"): each["reason"] for each in events}
        by_page = sorted(words, key=kept.find)
        return described([(True, words[note], note) for note in by_page])

    eventually(lambda: told() == kept, "the words of the page", 30, explain=told)


@pytest.fixture
def narrow_role(bench: Bench, mortal: Operator) -> Iterator[None]:
    """The operator begins under a role that says nothing of Ingresses, as one from before the annotations might."""
    plane = bench.control_plane
    role = plane.read.path("/apis/rbac.authorization.k8s.io/v1/clusterroles/certwright")
    rules = [rule for rule in role["rules"] if "ingresses" not in rule["resources"]]
    assert len(rules) == len(role["rules"]) - 1
    assert mortal.stop() == 0
    plane.kubectl(
        "patch", "clusterrole", "certwright", "--type=merge", f"--patch={json.dumps({'rules': rules})}"
    )
    mortal.begin()
    yield
    give_back(bench)


def give_back(bench: Bench) -> None:
    bench.control_plane.kubectl("apply", "--filename", RBAC)


@pytest.mark.usefixtures("narrow_role")
def test_a_role_without_ingresses_keeps_certificates_and_is_heard_when_it_is_mended(
    tenant: Tenant, bench: Bench, mortal: Operator
) -> None:
    put(tenant, {"site-tls": ["www"]})
    tenant.apply(tenant.certificate("web"))
    tenant.await_ready("web")
    tenant.kubectl("delete", "secret", "web-tls")
    eventually(lambda: tenant.exists("secret", "web-tls"), "the watch of Secrets to show it", 60)
    assert not tenant.exists("certificate", "site-tls")
    assert "Ingresses are closed to us" in mortal.log.read_text()
    give_back(bench)
    await_made(tenant, "site-tls")


def test_the_manifest_of_the_page_is_taken_by_the_api_server(tenant: Tenant) -> None:
    blocks = PAGE.read_text().split("```yaml\n")[1:]
    for text in (block.partition("```")[0] for block in blocks):
        tenant.plane.kubectl(
            "apply",
            "--dry-run=server",
            "--namespace",
            tenant.namespace,
            "--filename",
            "-",
            input=text.replace("namespace: shop", f"namespace: {tenant.namespace}"),
        )
    assert len(blocks) == 3
