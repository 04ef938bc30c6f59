"""What may leave the cluster in a support archive, kind by kind. Pure.

A field that stands here is written, no other is. A field that a later version adds is left out until it is named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shape: TypeAlias = "str | Mapping[str, Shape] | Sequence[Shape]"

#: A text, number or truth value as it is, text after `scrubbed`.
PLAIN = "plain"
#: How long a text is, in characters.
LENGTH = "length"
#: Of an object the names of its fields, without their values.
KEYS = "keys"
#: Of an object those fields that are ours or Kubernetes' own words.
OURS = "ours"


_REF: Shape = {"name": PLAIN, "key": PLAIN}
_CONDITIONS: Shape = [
    dict.fromkeys(("type", "status", "reason", "message", "lastTransitionTime", "observedGeneration"), PLAIN)
]
METADATA: Shape = {
    **dict.fromkeys(
        (
            "name",
            "namespace",
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "deletionTimestamp",
        ),
        PLAIN,
    ),
    "ownerReferences": [dict.fromkeys(("kind", "name", "uid", "controller"), PLAIN)],
    "labels": OURS,
    "annotations": OURS,
}
_OBJECT: Mapping[str, Shape] = {"apiVersion": PLAIN, "kind": PLAIN, "metadata": METADATA}
CERTIFICATE: Shape = {
    **_OBJECT,
    "spec": {
        **dict.fromkeys(
            (
                "secretName",
                "commonName",
                "duration",
                "renewBefore",
                "renewBeforePercentage",
                "profile",
                "preferredChain",
                "suspend",
            ),
            PLAIN,
        ),
        "dnsNames": [PLAIN],
        "privateKey": dict.fromkeys(("algorithm", "size", "encoding", "rotationPolicy"), PLAIN),
        "issuerRef": {"name": PLAIN, "kind": PLAIN},
    },
    "status": {
        **dict.fromkeys(
            (
                "observedGeneration",
                "notBefore",
                "notAfter",
                "renewalTime",
                "serialNumber",
                "fingerprintSHA256",
                "solver",
                "revision",
                "nextAttemptTime",
                "lastHandledRenew",
            ),
            PLAIN,
        ),
        "conditions": _CONDITIONS,
        "issuer": dict.fromkeys(("kind", "name", "commonName"), PLAIN),
        "renewalInfo": {"window": {"start": PLAIN, "end": PLAIN}, "explanationURL": PLAIN},
        "attempt": dict.fromkeys(("number", "startedAt", "reason"), PLAIN),
        "failure": dict.fromkeys(("reason", "identifier", "type", "detail", "at", "count"), PLAIN),
        "losses": [PLAIN],
    },
}
_SOLVER: Shape = {
    "name": PLAIN,
    "selector": {"matchLabels": KEYS, "dnsNames": [PLAIN], "dnsZones": [PLAIN]},
    "http01": {
        "selfCheck": PLAIN,
        "ingress": {
            **dict.fromkeys(("ingressClassName", "class", "pathType"), PLAIN),
            "ingressTemplate": {"metadata": {"labels": KEYS, "annotations": KEYS}},
        },
    },
    "dns01": {
        "rfc2136": {
            **dict.fromkeys(("nameserver", "tsigKeyName", "tsigAlgorithm", "protocol"), PLAIN),
            "tsigSecretSecretRef": _REF,
        },
        "cnameStrategy": PLAIN,
        "nameservers": [PLAIN],
        "selfCheck": PLAIN,
    },
}
ISSUER: Shape = {
    **_OBJECT,
    "spec": {
        "default": PLAIN,
        "acme": {
            **dict.fromkeys(
                (
                    "server",
                    "email",
                    "termsOfServiceAgreed",
                    "profile",
                    "preferredChain",
                    "enableDurationFeature",
                ),
                PLAIN,
            ),
            "privateKeySecretRef": _REF,
            "externalAccountBinding": {"keyID": LENGTH, "keyAlgorithm": PLAIN, "keySecretRef": _REF},
            "caBundle": LENGTH,
            "caBundleSecretRef": _REF,
            "solvers": [_SOLVER],
        },
    },
    "status": {
        "observedGeneration": PLAIN,
        "conditions": _CONDITIONS,
        "limits": [dict.fromkeys(("scope", "subject", "until", "since", "reason", "detail", "count"), PLAIN)],
        "acme": {
            **dict.fromkeys(
                (
                    "accountURL",
                    "termsOfService",
                    "renewalInfo",
                    "externalAccountRequired",
                    "lastRegisteredEmail",
                    "keyThumbprint",
                ),
                PLAIN,
            ),
            "caaIdentities": [PLAIN],
            "profiles": KEYS,
        },
    },
}
EVENT: Shape = {
    **dict.fromkeys(
        ("type", "reason", "message", "count", "firstTimestamp", "lastTimestamp", "eventTime"), PLAIN
    ),
    "metadata": {"name": PLAIN, "namespace": PLAIN},
    "involvedObject": dict.fromkeys(("kind", "namespace", "name", "uid"), PLAIN),
    "series": {"count": PLAIN, "lastObservedTime": PLAIN},
}
_CONTAINERS: Shape = [
    {
        "name": PLAIN,
        "image": PLAIN,
        "args": [PLAIN],
        "resources": {each: dict.fromkeys(("cpu", "memory"), PLAIN) for each in ("requests", "limits")},
    }
]
_STATE: Shape = {
    "waiting": {"reason": PLAIN, "message": PLAIN},
    "running": {"startedAt": PLAIN},
    "terminated": dict.fromkeys(("reason", "exitCode", "signal", "startedAt", "finishedAt"), PLAIN),
}
DEPLOYMENT: Shape = {
    **_OBJECT,
    "spec": {"replicas": PLAIN, "template": {"spec": {"containers": _CONTAINERS}}},
    "status": {
        **dict.fromkeys(("observedGeneration", "replicas", "readyReplicas", "updatedReplicas"), PLAIN),
        "conditions": _CONDITIONS,
    },
}
POD: Shape = {
    **_OBJECT,
    "spec": {"nodeName": PLAIN, "containers": _CONTAINERS},
    "status": {
        **dict.fromkeys(("phase", "reason", "message", "startTime"), PLAIN),
        "conditions": _CONDITIONS,
        "containerStatuses": [
            {
                **dict.fromkeys(("name", "image", "imageID", "ready", "restartCount"), PLAIN),
                "state": _STATE,
                "lastState": _STATE,
            }
        ],
    },
}
_NAMED: Shape = dict.fromkeys(("kind", "namespace", "name"), PLAIN)
#: Of the journal of an attempt all but the key, and the values and tokens of proofs.
ATTEMPT: Shape = {
    **dict.fromkeys(
        ("name", "directory", "account", "reason", "number", "startedAt", "profile", "replaces", "order"),
        PLAIN,
    ),
    "certificate": _NAMED,
    "issuer": _NAMED,
    "names": [PLAIN],
    "proofs": [dict.fromkeys(("name", "type", "authorization", "challenge"), PLAIN)],
    "wait": dict.fromkeys(("for", "since", "until"), PLAIN),
}
#: As `resources/ledger.py` writes it.
LEDGER: Shape = {
    "holder": PLAIN,
    "holds": [dict.fromkeys(("scope", "subject", "until", "since", "reason", "detail", "count"), PLAIN)],
    "failing": [{**dict.fromkeys(("name", "since", "count", "until", "said"), PLAIN), "failedAt": [PLAIN]}],
}
LEAF: Shape = {
    **dict.fromkeys(
        ("commonName", "serialNumber", "fingerprintSHA256", "notBefore", "notAfter", "issuer"), PLAIN
    ),
    "dnsNames": [PLAIN],
}
