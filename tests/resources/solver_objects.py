"""Good and bad solvers, each with a sentence; see objects.py."""

from __future__ import annotations

from typing import Any

from tests.resources.objects import LABEL_63, NAME_253, Row, issuer


def solver(without: str = "", **changed: Any) -> dict[str, Any]:
    """An Issuer with one solver, whose fields are changed."""
    each = {"dns01": {"rfc2136": {"nameserver": "ns1.example.com"}}} | changed
    each.pop(without, None)
    return issuer(solvers=[each])


def dns01(**changed: Any) -> dict[str, Any]:
    """An Issuer with one solver, whose dns01 is changed."""
    return solver(dns01={"rfc2136": {"nameserver": "ns1.example.com"}} | changed)


def rfc2136(**changed: Any) -> dict[str, Any]:
    """An Issuer with one solver, whose rfc2136 is changed."""
    return dns01(rfc2136={"nameserver": "ns1.example.com"} | changed)


def http01(**changed: Any) -> dict[str, Any]:
    """An Issuer with one solver, whose http01 is changed."""
    return solver(without="dns01", http01={"ingress": {}} | changed)


def ingress(**changed: Any) -> dict[str, Any]:
    """An Issuer with one solver, whose http01.ingress is changed."""
    return http01(ingress=changed)


def template(**metadata: Any) -> dict[str, Any]:
    """An Issuer with one solver, whose Ingress has this metadata."""
    return ingress(ingressTemplate={"metadata": metadata})


def annotated(key: str, value: str = "") -> dict[str, Any]:
    """An Issuer with one solver, whose Ingress has this annotation."""
    return template(annotations={key: value})


def labelled(key: str, value: str = "") -> dict[str, Any]:
    """An Issuer with one solver, whose Ingress has this label."""
    return template(labels={key: value})


KEY = {"name": "dns-key", "key": "secret"}

SERVER = "write host, host:port or [IPv6]:port"
CLASS = "write the name of an IngressClass"
KEYS = "write keys such as team or example.com/team"
OURS = "keys under certwright.dev are the operator's own"
VALUE = "write a label's value"

DNS01 = [
    Row(
        "a named solver with a selector of everything",
        solver(
            name="internal",
            selector={
                "matchLabels": {"team": "web"},
                "dnsNames": ["*.example.com", "bücher.example"],
                "dnsZones": ["example.com."],
            },
        ),
    ),
    Row("an empty selector", solver(selector={})),
    Row("a signed update", rfc2136(tsigKeyName="key.", tsigSecretSecretRef=KEY, tsigAlgorithm="HMACSHA512")),
    Row("updates by UDP to a port", rfc2136(nameserver="192.0.2.53:5353", protocol="UDP")),
    Row("a server by its IPv6 address and port", rfc2136(nameserver="[2001:db8::53]:53")),
    Row("a server by its IPv6 address", rfc2136(nameserver="[2001:db8::53]")),
    Row("CNAMEs followed", dns01(cnameStrategy="Follow", nameservers=["192.0.2.1", "dns.example.com:53"])),
    Row("a self-check that advises", dns01(selfCheck="Advise")),
    Row("a self-check that waits", dns01(selfCheck="Wait=1m30s")),
    Row("two solvers without name", issuer(solvers=[{"dns01": {"rfc2136": {"nameserver": "a"}}}] * 2)),
    Row("a solver without provider", solver(dns01={}), "dns01.rfc2136: required value"),
    Row("a provider without server", solver(dns01={"rfc2136": {}}), "rfc2136.nameserver: required value"),
    Row("a solver's name in upper case", solver(name="Internal"), "write a name of lower-case letters"),
    Row("a solver's name that is empty", solver(name=""), "write a name of lower-case letters"),
    Row(
        "two solvers of one name",
        issuer(solvers=[{"name": "a", "dns01": {"rfc2136": {"nameserver": "a"}}}] * 2),
        "two solvers have the same name",
    ),
    Row(
        "a hundred and one solvers",
        issuer(solvers=[{"dns01": {"rfc2136": {"nameserver": "a"}}}] * 101),
        "spec.acme.solvers",
    ),
    Row("an empty server", rfc2136(nameserver=""), SERVER),
    Row("an IPv6 address without brackets", rfc2136(nameserver="2001:db8::53"), SERVER),
    Row("brackets around a name", rfc2136(nameserver="[ns1]:53"), SERVER),
    Row("brackets around an IPv4 address", rfc2136(nameserver="[192.0.2.1]:53"), "an IPv6 address between"),
    Row("a broken IPv6 address", rfc2136(nameserver="[2001:::1]:53"), "an IPv6 address between"),
    Row("port 0", rfc2136(nameserver="ns1.example.com:0"), SERVER),
    Row("a port that does not exist", rfc2136(nameserver="ns1.example.com:65536"), SERVER),
    Row("a server as URL", rfc2136(nameserver="https://ns1.example.com"), SERVER),
    Row("a key's name without its secret", rfc2136(tsigKeyName="key."), "belong together"),
    Row("a key's secret without its name", rfc2136(tsigSecretSecretRef=KEY), "belong together"),
    Row(
        "a key's name with a space",
        rfc2136(tsigKeyName="my key", tsigSecretSecretRef=KEY),
        "write the name of the key",
    ),
    Row("an unknown TSIG algorithm", rfc2136(tsigAlgorithm="hmac-sha256"), "rfc2136.tsigAlgorithm"),
    Row("an unknown protocol", rfc2136(protocol="TLS"), "rfc2136.protocol"),
    Row("an unknown CNAME strategy", dns01(cnameStrategy="Always"), "dns01.cnameStrategy"),
    Row("a bad recursive server", dns01(nameservers=["1.1.1.1", "a b"]), "nameservers[1]"),
    Row("eleven recursive servers", dns01(nameservers=["192.0.2.1"] * 11), "dns01.nameservers"),
    Row("an unknown self-check", dns01(selfCheck="Never"), "write Require, Advise, or Wait="),
    Row("a wait without time", dns01(selfCheck="Wait="), "write Require, Advise, or Wait="),
    Row("a wait without unit", dns01(selfCheck="Wait=30"), "write Require, Advise, or Wait="),
    Row(
        "a selector's zone as wildcard",
        solver(selector={"dnsZones": ["*.example.com"]}),
        "write a zone such as",
    ),
    Row(
        "a selector's zone with a dot in front",
        solver(selector={"dnsZones": [".example.com"]}),
        "write a zone such as",
    ),
    Row(
        "a selector's name with a port",
        solver(selector={"dnsNames": ["a.example:443"]}),
        "in the Certificate's dnsNames",
    ),
    Row("an empty name in a selector", solver(selector={"dnsNames": [""]}), "in the Certificate's dnsNames"),
    Row(
        "a label's value of 64 characters",
        solver(selector={"matchLabels": {"a": "b" * 64}}),
        "selector.matchLabels",
    ),
    Row("a label that is a number", solver(selector={"matchLabels": {"a": 5}}), "selector.matchLabels"),
]

HTTP01 = [
    Row("an Ingress of the default class", http01(ingress={})),
    Row("an Ingress of a class", ingress(ingressClassName="nginx-internal.example")),
    Row("a class in the older annotation", ingress(**{"class": "azure/application-gateway"})),
    Row("a path that begins so", ingress(pathType="Prefix")),
    Row("a path as the controller takes it", ingress(pathType="ImplementationSpecific")),
    Row("an exact path in words", ingress(pathType="Exact")),
    Row(
        "labels and annotations for the Ingress",
        template(
            labels={"team": "web", "example.com/Tier_1": "a.b-c", "empty": ""},
            annotations={"nginx.ingress.kubernetes.io/ssl-redirect": "false", "Note": "any text: ü, \n"},
        ),
    ),
    Row("an empty template", ingress(ingressTemplate={})),
    Row("empty metadata", template()),
    Row("a look before the CA's that advises", http01(selfCheck="Advise")),
    Row("a wait before the CA looks", http01(selfCheck="Wait=30s")),
    Row(
        "both ways, each for its names",
        issuer(
            solvers=[
                {"http01": {"ingress": {}}},
                {"selector": {"dnsZones": ["a.example"]}, "dns01": {"rfc2136": {"nameserver": "a"}}},
            ]
        ),
    ),
    Row("keys that only look like ours", template(labels={"notcertwright.dev/a": "", "certwright.dev": ""})),
    Row("the longest keys and values", labelled(f"{NAME_253}/{LABEL_63}", LABEL_63)),
    Row("the longest annotation", annotated("a", "b" * 4096)),
    Row("an annotation's key in upper case", annotated("Example.COM/Team")),
    Row("a solver that proves nothing", solver(without="dns01"), "add http01 or dns01"),
    Row("both ways in one solver", solver(http01={"ingress": {}}), "make two solvers of it"),
    Row("no Ingress", solver(without="dns01", http01={}), "http01.ingress: required value"),
    Row(
        "an Ingress of two classes",
        ingress(ingressClassName="nginx", **{"class": "nginx"}),
        "ingressClassName and class exclude each other",
    ),
    Row("a class in upper case", ingress(ingressClassName="NGINX"), CLASS),
    Row("an empty class", ingress(ingressClassName=""), CLASS),
    Row("a class of 254 characters", ingress(ingressClassName="a" * 254), "ingress.ingressClassName"),
    Row("an empty class in the older annotation", ingress(**{"class": ""}), "write the class as your"),
    Row("an older class with a line break", ingress(**{"class": "nginx\n"}), "write the class as your"),
    Row("an older class of 254 characters", ingress(**{"class": "a" * 254}), "ingress.class"),
    Row("an unknown type of path", ingress(pathType="Regex"), "ingress.pathType"),
    Row("a type of path in lower case", ingress(pathType="exact"), "ingress.pathType"),
    Row("a label of ours", labelled("certwright.dev/solver", "x"), OURS),
    Row("a label under a part of our name", labelled("acme.certwright.dev/solver", "x"), OURS),
    Row("an annotation of ours", annotated("certwright.dev/issuer", "x"), OURS),
    Row("an annotation of ours in upper case", annotated("CertWright.DEV/issuer", "x"), OURS),
    Row(
        "the class as an annotation",
        annotated("kubernetes.io/ingress.class", "nginx"),
        "write the class as ingressClassName or class",
    ),
    Row("a label's key with a space", labelled("my team"), KEYS),
    Row("a label's key that is empty", labelled(""), KEYS),
    Row("a label's key with a prefix in upper case", labelled("Example.com/team"), KEYS),
    Row("a label's key with two slashes", labelled("a/b/c"), KEYS),
    Row("a label's key that begins with a hyphen", labelled("-team"), KEYS),
    Row("a label's key of 64 characters", labelled("a" * 64), KEYS),
    Row("a label's prefix of 254 characters", labelled(f"{NAME_253}a/team"), KEYS),
    Row("an annotation's key with a colon", annotated("a:b"), KEYS),
    Row("an annotation's key of two lines", annotated("a\n"), KEYS),
    Row("an annotation's prefix without name", annotated("example.com/"), KEYS),
    Row("a label for the Ingress that ends with a dot", labelled("a", "b."), VALUE),
    Row("a label for the Ingress with a space", labelled("a", "b c"), VALUE),
    Row("a label for the Ingress of 64 characters", labelled("a", "b" * 64), "metadata.labels"),
    Row("a label for the Ingress that is a number", template(labels={"a": 5}), "metadata.labels"),
    Row("an annotation of 4097 characters", annotated("a", "b" * 4097), "metadata.annotations"),
    Row("an annotation that is no text", template(annotations={"a": True}), "metadata.annotations"),
    Row("seventeen labels", template(labels={f"l{at}": "" for at in range(17)}), "metadata.labels"),
    Row(
        "seventeen annotations",
        template(annotations={f"a{at}": "" for at in range(17)}),
        "metadata.annotations",
    ),
    Row("an unknown look before the CA's", http01(selfCheck="Never"), "write Require, Advise, or Wait="),
    Row(
        "a wait before the CA looks without time",
        http01(selfCheck="Wait="),
        "write Require, Advise, or Wait=",
    ),
]

#: Both the API server and the decoder say yes, or both say no with the same words.
SOLVERS = [*DNS01, *HTTP01]

#: The API server cannot know these; the operator says them in a condition.
ONLY_OUR_SOLVERS = [
    Row(
        "a Unicode zone that cannot be registered",
        solver(selector={"dnsZones": ["☃.example"]}),
        "can be registered",
    ),
]
