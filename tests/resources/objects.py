"""Good and bad objects, each with a sentence: what the CRDs and our decoder must agree upon.

An API server judges them in tests/cluster/test_crds.py, the decoder in test_objects.py. Solvers are in
solver_objects.py.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

NAMESPACE = "default"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True)
class Row:
    """One object.

    Attributes:
        sentence: what it shows.
        body: the object.
        fragment: of the message that refuses it, in any case; "" where it is good.
    """

    sentence: str
    body: dict[str, Any]
    fragment: str = ""


def encoded(text: str | bytes) -> str:
    """Base64, as caBundle has it."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def _object(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "example"} | ({} if kind == "ClusterIssuer" else {"namespace": NAMESPACE})
    return {"apiVersion": "certwright.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}


def certificate(without: str = "", **changed: Any) -> dict[str, Any]:
    """A good Certificate with changed fields of its spec, and without one."""
    usual = {"secretName": "web-tls", "dnsNames": ["www.example.com"], "issuerRef": {"name": "ca"}}
    spec = usual | changed
    spec.pop(without, None)
    return _object("Certificate", spec)


def issuer(kind: str = "Issuer", without: str = "", **changed: Any) -> dict[str, Any]:
    """A good issuer with changed fields of spec.acme, and without one."""
    usual = {
        "server": "https://acme.example.com/directory",
        "privateKeySecretRef": {"name": "account"},
        "solvers": [{"dns01": {"rfc2136": {"nameserver": "ns1.example.com"}}}],
    }
    acme = usual | changed
    acme.pop(without, None)
    return _object(kind, {"acme": acme})


LABEL_63 = "a" * 63
NAME_253 = ".".join([LABEL_63, LABEL_63, LABEL_63, "a" * 61])
BINDING = {"keyID": "kid-1", "keySecretRef": {"name": "eab", "key": "secret"}}

LABELS = "labels of at most 63 letters"
WILDCARD = "the whole first label"
DURATION = "write a duration such as 2160h, 90d or 1h30m"
SECRET = "write the name of a Secret"  # noqa: S105  a sentence
URL = "write the URL of the CA's directory"
ADDRESS = "write one plain address"

NAMES = [
    Row("one name", certificate()),
    Row("a wildcard and its apex", certificate(dnsNames=["*.example.com", "example.com"])),
    Row("upper case and a final dot", certificate(dnsNames=["WWW.Example.COM."])),
    Row("a Unicode name", certificate(dnsNames=["bücher.example", "*.日本語.example"])),
    Row("a name in A-labels", certificate(dnsNames=["xn--bcher-kva.example"])),
    Row("a name of one label", certificate(dnsNames=["localhost"])),
    Row("a label of 63 characters", certificate(dnsNames=[f"{LABEL_63}.example"])),
    Row("a name of 253 characters", certificate(dnsNames=[NAME_253])),
    Row("a label that begins with a digit", certificate(dnsNames=["3com.example", "1.2.example"])),
    Row("two hyphens in third and fourth place", certificate(dnsNames=["r3---sn-x.example"])),
    Row("the same name twice", certificate(dnsNames=["a.example", "A.example."])),
    Row("a hundred names", certificate(dnsNames=[f"n{each}.example" for each in range(100)])),
    Row("a common name that is among the names", certificate(commonName="WWW.example.com.")),
    Row("a wildcard as common name", certificate(dnsNames=["*.example.com"], commonName="*.example.com")),
    Row("a common name alone", certificate(without="dnsNames", commonName="www.example.com")),
    Row("an empty common name is none", certificate(commonName="")),
    Row("an empty list of names beside a common name", certificate(dnsNames=[], commonName="a.example")),
    Row("no name at all", certificate(without="dnsNames"), "asks for no name"),
    Row("an empty list of names", certificate(dnsNames=[]), "asks for no name"),
    Row("nothing but an empty common name", certificate(dnsNames=[], commonName=""), "asks for no name"),
    Row("a common name outside the names", certificate(commonName="other.example"), "not one of dnsNames"),
    Row("a common name of 65 characters", certificate(commonName="a" * 60 + ".com1"), "spec.commonName"),
    Row(
        "an IP address as common name", certificate(without="dnsNames", commonName="10.0.0.1"), "IP addresses"
    ),
    Row(
        "a hundred and one names",
        certificate(dnsNames=[f"n{i}.example" for i in range(101)]),
        "spec.dnsNames",
    ),
    Row("an empty name", certificate(dnsNames=[""]), LABELS),
    Row("a name of 254 characters", certificate(dnsNames=[f"{NAME_253}a"]), "spec.dnsNames[0]"),
    Row("a label of 64 characters", certificate(dnsNames=[f"a{LABEL_63}.example"]), LABELS),
    Row("an empty label", certificate(dnsNames=["www..example.com"]), LABELS),
    Row("a dot in front", certificate(dnsNames=[".example.com"]), LABELS),
    Row("two final dots", certificate(dnsNames=["example.com.."]), LABELS),
    Row("a hyphen in front", certificate(dnsNames=["-www.example.com"]), LABELS),
    Row("a hyphen at the end of a label", certificate(dnsNames=["www-.example.com"]), LABELS),
    Row("an underscore", certificate(dnsNames=["my_app.example.com"]), "underscore"),
    Row("a space", certificate(dnsNames=["www.example.com "]), LABELS),
    Row("a line break", certificate(dnsNames=["www.example.com\n"]), LABELS),
    Row("a URL", certificate(dnsNames=["https://www.example.com/"]), LABELS),
    Row("a port", certificate(dnsNames=["www.example.com:443"]), LABELS),
    Row("an e-mail address", certificate(dnsNames=["me@example.com"]), LABELS),
    Row("an IPv4 address", certificate(dnsNames=["192.0.2.1"]), "IP addresses are not supported"),
    Row("an IPv6 address", certificate(dnsNames=["2001:db8::1"]), "IP addresses are not supported"),
    Row("a last label of digits", certificate(dnsNames=["example.123"]), "IP addresses are not supported"),
    Row("a wildcard in the middle", certificate(dnsNames=["www.*.example.com"]), WILDCARD),
    Row("a wildcard as part of a label", certificate(dnsNames=["w*.example.com"]), WILDCARD),
    Row("two wildcards", certificate(dnsNames=["*.*.example.com"]), WILDCARD),
    Row("a star alone", certificate(dnsNames=["*"]), WILDCARD),
    Row("a wildcard of nothing", certificate(dnsNames=["*."]), LABELS),
    Row("a number as name", certificate(dnsNames=[5]), "spec.dnsNames[0]"),
    Row("a text instead of a list", certificate(dnsNames="www.example.com"), "spec.dnsNames"),
]

LIVES = [
    Row("a duration in Go's notation", certificate(duration="2160h0m0s", renewBefore="720h")),
    Row("a duration in days", certificate(duration="90d", renewBefore="30d")),
    Row("days, hours and a fraction", certificate(duration="1d12h", renewBefore="1.5h")),
    Row("the shortest duration", certificate(duration="60m")),
    Row("the shortest renewBefore", certificate(renewBefore="300s")),
    Row("renewBefore just shorter than duration", certificate(duration="30d", renewBefore="719h59m59s")),
    Row("the longest duration that can be written", certificate(duration="9999d999999h9999999m999999999s")),
    Row("a percentage", certificate(renewBeforePercentage=33)),
    Row("a percentage with a point", certificate(renewBeforePercentage=33.0)),
    Row(
        "nulls are absent",
        certificate(duration=None, renewBefore=None, privateKey=None, dnsNames=["a.example"]),
    ),
    Row(
        "renewBefore as long as duration",
        certificate(duration="30d", renewBefore="720h"),
        "shorter than duration",
    ),
    Row(
        "renewBefore longer than duration",
        certificate(duration="24h", renewBefore="2d"),
        "shorter than duration",
    ),
    Row(
        "both renewBefore and percentage",
        certificate(renewBefore="1h", renewBeforePercentage=5),
        "exclude each other",
    ),
    Row("a duration under an hour", certificate(duration="59m59s"), "duration must be 1h or more"),
    Row("renewBefore under five minutes", certificate(renewBefore="4m59s"), "renewBefore must be 5m or more"),
    Row("a negative duration", certificate(duration="-90d"), DURATION),
    Row("an unknown unit", certificate(duration="3w"), DURATION),
    Row("a duration without unit", certificate(duration="90"), DURATION),
    Row("an empty duration", certificate(duration=""), DURATION),
    Row("hours after minutes", certificate(renewBefore="30m1h"), DURATION),
    Row("a duration that is a number", certificate(duration=90), "spec.duration"),
    Row("a duration of a thousand digits", certificate(duration="9" * 1000 + "h"), "spec.duration"),
    Row("zero per cent", certificate(renewBeforePercentage=0), "spec.renewBeforePercentage"),
    Row("a hundred per cent", certificate(renewBeforePercentage=100), "spec.renewBeforePercentage"),
    Row("a percentage as text", certificate(renewBeforePercentage="33"), "spec.renewBeforePercentage"),
    Row("half a per cent", certificate(renewBeforePercentage=0.5), "spec.renewBeforePercentage"),
]

KEYS = [
    Row("an RSA key", certificate(privateKey={"algorithm": "RSA", "size": 4096, "encoding": "PKCS1"})),
    Row(
        "an ECDSA key in SEC 1",
        certificate(privateKey={"algorithm": "ECDSA", "size": 384, "encoding": "PKCS1"}),
    ),
    Row("an Ed25519 key", certificate(privateKey={"algorithm": "Ed25519", "encoding": "PKCS8"})),
    Row("an ECDSA size alone", certificate(privateKey={"size": 521})),
    Row("a key that is kept", certificate(privateKey={"rotationPolicy": "Never"})),
    Row("nothing about the key", certificate(privateKey={})),
    Row(
        "an RSA key of 1024 bits",
        certificate(privateKey={"algorithm": "RSA", "size": 1024}),
        "2048, 3072, 4096",
    ),
    Row(
        "an RSA key of 16384 bits",
        certificate(privateKey={"algorithm": "RSA", "size": 16384}),
        "2048, 3072, 4096",
    ),
    Row(
        "an ECDSA key of 2048 bits",
        certificate(privateKey={"algorithm": "ECDSA", "size": 2048}),
        "256, 384 or 521",
    ),
    Row(
        "an Ed25519 key with a size",
        certificate(privateKey={"algorithm": "Ed25519", "size": 256}),
        "has no size",
    ),
    Row("an RSA size alone", certificate(privateKey={"size": 4096}), "add algorithm"),
    Row(
        "Ed25519 in PKCS1",
        certificate(privateKey={"algorithm": "Ed25519", "encoding": "PKCS1"}),
        "no PKCS1 encoding; write PKCS8",
    ),
    Row("an unknown algorithm", certificate(privateKey={"algorithm": "DSA"}), "spec.privateKey.algorithm"),
    Row(
        "an algorithm in lower case",
        certificate(privateKey={"algorithm": "rsa"}),
        "spec.privateKey.algorithm",
    ),
    Row("an unknown encoding", certificate(privateKey={"encoding": "DER"}), "spec.privateKey.encoding"),
    Row(
        "an unknown policy",
        certificate(privateKey={"rotationPolicy": "Maybe"}),
        "spec.privateKey.rotationPolicy",
    ),
    Row("a size as text", certificate(privateKey={"size": "256"}), "spec.privateKey.size"),
]

REFERENCES = [
    Row("a ClusterIssuer", certificate(issuerRef={"name": "ca", "kind": "ClusterIssuer"})),
    Row("an Issuer by its kind", certificate(issuerRef={"name": "ca", "kind": "Issuer"})),
    Row("a suspended Certificate", certificate(suspend=True)),
    Row("a Secret with dots in its name", certificate(secretName="www.example.com-tls")),
    Row("no secretName", certificate(without="secretName"), "spec.secretName: required value"),
    Row("an empty secretName", certificate(secretName=""), SECRET),
    Row("a secretName in upper case", certificate(secretName="WebTLS"), SECRET),
    Row("a secretName of two lines", certificate(secretName="web\n"), SECRET),
    Row("a secretName of 254 characters", certificate(secretName="a" * 254), "spec.secretName"),
    Row("no issuerRef", certificate(without="issuerRef"), "spec.issuerRef: required value"),
    Row(
        "an issuerRef without name",
        certificate(issuerRef={"kind": "Issuer"}),
        "spec.issuerRef.name: required value",
    ),
    Row(
        "an issuerRef with an empty name", certificate(issuerRef={"name": ""}), "write the name of an Issuer"
    ),
    Row(
        "an unknown kind of issuer",
        certificate(issuerRef={"name": "a", "kind": "Foo"}),
        "spec.issuerRef.kind",
    ),
    Row("suspend as text", certificate(suspend="true"), "spec.suspend"),
    Row("no spec", {key: value for key, value in certificate().items() if key != "spec"}, "spec"),
]

PROFILE, CHAIN = "name of a profile as the CA advertises it", "write the common name of the CA certificate"
WISHES = [
    Row("a profile and a chain", certificate(profile="shortlived", preferredChain="ISRG Root X1")),
    Row("an empty profile is none", certificate(profile="")),
    Row("an empty chain is none", certificate(preferredChain="")),
    Row("a profile of 255 characters", certificate(profile="p" * 255)),
    Row("a chain in another script", certificate(preferredChain="Wurzel für Österreich, Nr. 1")),
    Row("a chain of 64 characters", certificate(preferredChain="é" * 64)),
    Row("a profile of two words", certificate(profile="short lived"), PROFILE),
    Row("a profile with a line break", certificate(profile="shortlived\n"), PROFILE),
    Row("a profile of 256 characters", certificate(profile="p" * 256), "spec.profile"),
    Row("a profile that is a number", certificate(profile=6), "spec.profile"),
    Row("a chain with a line break", certificate(preferredChain="ISRG Root X1\n"), CHAIN),
    Row("a chain with a control character", certificate(preferredChain="ISRG\x7f"), CHAIN),
    Row("a chain of 65 characters", certificate(preferredChain="c" * 65), "spec.preferredChain"),
    Row(
        "an issuer with profile, chain and duration",
        issuer(profile="classic", preferredChain="ISRG Root X2", enableDurationFeature=True),
    ),
    Row("an issuer with an empty profile", issuer("ClusterIssuer", profile="", preferredChain="")),
    Row("an issuer's profile of two words", issuer(profile="a b"), PROFILE),
    Row("an issuer's chain with a tab", issuer(preferredChain="a\tb"), CHAIN),
    Row("durations by text", issuer(enableDurationFeature="true"), "spec.acme.enableDurationFeature"),
]

ACCOUNTS = [
    Row("a whole ClusterIssuer", issuer("ClusterIssuer")),
    Row("an Issuer", issuer(email="certificates@example.com", termsOfServiceAgreed=True)),
    Row("an empty e-mail address is none", issuer(email="")),
    Row("a server with port, path and query", issuer(server="https://ca.example:14000/dir/a?b=c")),
    Row("a CA by its IPv6 address", issuer(server="https://[2001:db8::1]:8443/directory")),
    Row("a server without path", issuer(server="https://ca.example")),
    Row("another key for the account", issuer(privateKeySecretRef={"name": "account", "key": "key.pem"})),
    Row("an external account binding", issuer(externalAccountBinding=BINDING)),
    Row("a binding by HS512", issuer(externalAccountBinding=BINDING | {"keyAlgorithm": "HS512"})),
    Row("a CA bundle", issuer(caBundle=encoded(PEM))),
    Row("a CA bundle with a comment", issuer(caBundle=encoded(f"# our roots: ü\n{PEM}{PEM}"))),
    Row("a CA bundle in a Secret", issuer(caBundleSecretRef={"name": "roots"})),
    Row("no solvers", issuer(solvers=[])),
    Row("solvers left out", issuer(without="solvers")),
    Row("no server", issuer(without="server"), "spec.acme.server: required value"),
    Row("plain HTTP", issuer(server="http://acme.example.com/directory"), URL),
    Row("a server in upper case", issuer(server="HTTPS://acme.example.com/"), URL),
    Row("a user in the URL", issuer(server="https://me:secret@acme.example.com/"), URL),
    Row("a fragment in the URL", issuer(server="https://acme.example.com/#here"), URL),
    Row("a space in the URL", issuer(server="https://acme.example.com/a b"), URL),
    Row("a URL whose port does not exist", issuer(server="https://acme.example.com:65536/"), URL),
    Row("a URL without host", issuer(server="https:///directory"), URL),
    Row("an empty URL", issuer(server=""), URL),
    Row("a URL of 2049 characters", issuer(server="https://a/" + "b" * 2039), "spec.acme.server"),
    Row("two e-mail addresses", issuer(email="a@example.com,b@example.com"), ADDRESS),
    Row("an e-mail address with a name", issuer(email="Me <me@example.com>"), ADDRESS),
    Row("an e-mail address with parameters", issuer(email="me@example.com?cc=you@example.com"), ADDRESS),
    Row(
        "an account without Secret",
        issuer(without="privateKeySecretRef"),
        "privateKeySecretRef: required value",
    ),
    Row(
        "a Secret's key with a slash",
        issuer(privateKeySecretRef={"name": "a", "key": "a/b"}),
        "a key of the Secret",
    ),
    Row(
        "an empty key of a Secret",
        issuer(privateKeySecretRef={"name": "a", "key": ""}),
        "a key of the Secret",
    ),
    Row(
        "both CA bundles",
        issuer(caBundle=encoded(PEM), caBundleSecretRef={"name": "a"}),
        "exclude each other",
    ),
    Row("a CA bundle that is not base64", issuer(caBundle=PEM), "spec.acme.caBundle"),
    Row(
        "a CA bundle in two lines",
        issuer(caBundle=f"{encoded(PEM)[:40]}\n{encoded(PEM)[40:]}"),
        "spec.acme.caBundle",
    ),
    Row("a CA bundle without certificate", issuer(caBundle=encoded("nothing")), "write base64 of PEM"),
    Row("a CA bundle in DER", issuer(caBundle=encoded(b"\x30\x82\xff")), "write base64 of PEM"),
    Row("an empty CA bundle", issuer(caBundle=""), "spec.acme.caBundle"),
    Row(
        "a binding without key id", issuer(externalAccountBinding=BINDING | {"keyID": ""}), "write the key id"
    ),
    Row(
        "a binding without key",
        issuer(externalAccountBinding={"keyID": "kid-1", "keySecretRef": {"name": "eab"}}),
        "keySecretRef.key: required value",
    ),
    Row(
        "a binding by an algorithm that is no MAC",
        issuer(externalAccountBinding=BINDING | {"keyAlgorithm": "RS256"}),
        "externalAccountBinding.keyAlgorithm",
    ),
    Row("terms agreed to by text", issuer(termsOfServiceAgreed="yes"), "spec.acme.termsOfServiceAgreed"),
    Row("no acme", _object("ClusterIssuer", {}), "spec.acme: required value"),
]

#: Both say yes, or both say no with the same words.
ROWS = [*NAMES, *LIVES, *KEYS, *REFERENCES, *WISHES, *ACCOUNTS]

#: The API server cannot know these; the operator says them in a condition.
ONLY_OURS = [
    Row(
        "a Unicode label that cannot be registered",
        certificate(dnsNames=["☃.example"]),
        "not a name that can be registered",
    ),
    Row("a Unicode name that is an underscore", certificate(dnsNames=["a\uff3fb.example"]), "underscore"),
    Row(
        "a Unicode name that is an address",
        certificate(dnsNames=["\uff11.\uff12.\uff13.\uff14"]),
        "IP addresses",
    ),
    Row(
        "a Unicode name that is too long in A-labels",
        certificate(dnsNames=[".".join(["ü" * 40] * 6)]),
        "as A-labels",
    ),
]
