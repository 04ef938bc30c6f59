"""What blocks of pages need around them: objects that a part is shown of, and kinds that no test server knows."""

from __future__ import annotations

from typing import Any

_CA = {
    "server": "https://acme.example.com/directory",
    "privateKeySecretRef": {"name": "example-ca-account"},
    "solvers": [{"dns01": {"rfc2136": {"nameserver": "ns1.example.com"}}}],
}


def _issuer(kind: str) -> dict[str, Any]:
    return {
        "apiVersion": "certwright.dev/v1",
        "kind": kind,
        "metadata": {"name": "example-ca"},
        "spec": {"acme": _CA},
    }


#: The smallest object of each kind of which pages show parts.
WHOLE: dict[str, dict[str, Any]] = {
    "Certificate": {
        "apiVersion": "certwright.dev/v1",
        "kind": "Certificate",
        "metadata": {"name": "web"},
        "spec": {
            "secretName": "web-tls",
            "dnsNames": ["www.example.com"],
            "issuerRef": {"name": "example-ca"},
        },
    },
    "Issuer": _issuer("Issuer"),
    "ClusterIssuer": _issuer("ClusterIssuer"),
    "Secret": {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "web-tls"}},
    "Ingress": {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": {
            "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
        },
    },
}

#: Groups of other projects, which the test server does not serve, and how the block is tried instead.
FOREIGN = {
    "kustomize.toolkit.fluxcd.io": "Flux is not in the test cluster; the block is read as YAML",
    "source.toolkit.fluxcd.io": "Flux is not in the test cluster; the block is read as YAML",
    "helm.toolkit.fluxcd.io": "Flux is not in the test cluster; its values are tried as values of the chart",
    "argoproj.io": "Argo CD is not in the test cluster; the block is read as YAML",
    "monitoring.coreos.com": "the Prometheus Operator is not in the test cluster; the block is read as YAML",
    "kustomize.config.k8s.io": "a file for kustomize, which the API server never sees; see tests/gitops",
}


def completed(kind: str, part: dict[str, Any]) -> dict[str, Any]:
    """The smallest object of the kind with the part laid over it."""
    return _over(WHOLE[kind], part)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Mappings are joined, everything else is replaced."""
    joined = dict(below)
    for key, value in above.items():
        known = joined.get(key)
        both = isinstance(known, dict) and isinstance(value, dict)
        joined[key] = _over(known, value) if both else value  # type: ignore[arg-type]
    return joined
