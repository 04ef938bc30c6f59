"""Ways in which people set the chart up, each as the values that they would write."""

from __future__ import annotations

from typing import Any

DIGEST = f"sha256:{'0123456789abcdef' * 4}"

#: By name. The names of namespaces are those that the tests make.
VALUE_SETS: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "three replicas and budgets": {
        "replicaCount": 3,
        "podDisruptionBudget": {"enabled": True, "minAvailable": 2},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
        "responder": {"replicaCount": 3, "podDisruptionBudget": {"enabled": True, "maxUnavailable": "34%"}},
    },
    "one replica": {
        "replicaCount": 1,
        "podDisruptionBudget": {"enabled": True},
        "responder": {"replicaCount": 1, "podDisruptionBudget": {"enabled": True}},
    },
    "some namespaces": {"watchNamespaces": ["team-a", "team-b"]},
    "its own namespace": {"watchNamespaces": ["certwright"], "crds": {"enabled": False}},
    "IPv4 only": {"service": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"]}},
    "IPv6 only": {
        "service": {"ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"]},
        "nameservers": ["[2001:db8::53]:53"],
    },
    "both families": {"service": {"ipFamilyPolicy": "RequireDualStack", "ipFamilies": ["IPv6", "IPv4"]}},
    "network policies": {
        "networkPolicy": {
            "enabled": True,
            "dnsPorts": [53, 5353],
            "apiServerPorts": [443, 8443],
            "acmePorts": [443, 14000],
            "metricsFrom": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
            ],
            "challengesFrom": [
                {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}
            ],
            "extraEgress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}], "ports": [{"port": 8053}]}],
        }
    },
    "a closed network": {
        "global": {
            "imageRegistry": "registry.example.com:5000/mirror",
            "imagePullSecrets": [{"name": "everywhere"}],
        },
        "imagePullSecrets": [{"name": "here"}],
        "image": {"digest": DIGEST, "pullPolicy": "Always"},
    },
    "a proxy": {
        "http_proxy": "http://proxy.example.com:3128",
        "https_proxy": "http://proxy.example.com:3128",
        "no_proxy": ".example.com,192.0.2.0/24",
    },
    "CRDs by somebody else": {"crds": {"enabled": False}},
    "CRDs that go with the release": {"crds": {"keep": False}},
    "ServiceAccounts that exist": {
        "serviceAccount": {"create": False, "name": "the-operators"},
        "responder": {"serviceAccount": {"create": False, "name": "the-responders"}},
    },
    "roles by somebody else": {"global": {"rbac": {"create": False}}},
    "no roles for users": {"global": {"rbac": {"aggregateClusterRoles": False}}},
    "arguments, environment and volumes": {
        "extraArgs": ["--renewal-info-interval=1h"],
        "extraEnv": [{"name": "SSL_CERT_FILE", "value": "/ca/ca.crt"}],
        "volumes": [{"name": "ca", "configMap": {"name": "ca"}}],
        "volumeMounts": [{"name": "ca", "mountPath": "/ca", "readOnly": True}],
        "workers": 8,
        "logLevel": "debug",
        "logFormat": "json",
        "permitNetworks": ["10.0.0.0/8", "fd00::/8"],
        "selfCheckNetworks": ["192.168.0.0/16"],
        "responder": {
            "extraArgs": ["--log-level=warning"],
            "extraEnv": [
                {
                    "name": "NODE",
                    "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}},
                }
            ],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
            "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
        },
    },
    "places and priorities": {
        "global": {"priorityClassName": "system-cluster-critical", "commonLabels": {"team": "platform"}},
        "nodeSelector": {"pool": "infra"},
        "tolerations": [{"key": "infra", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "nodeAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {"weight": 1, "preference": {"matchExpressions": [{"key": "arch", "operator": "Exists"}]}}
                ]
            }
        },
        "podAnnotations": {"example.com/team": "platform"},
        "podLabels": {"example.com/tier": "infra"},
        "deploymentAnnotations": {"example.com/owner": "platform"},
        "responder": {
            "priorityClassName": "system-node-critical",
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "DoNotSchedule",
                    "labelSelector": {"matchLabels": {"app.kubernetes.io/component": "responder"}},
                }
            ],
        },
        "podDnsPolicy": "None",
        "podDnsConfig": {"nameservers": ["192.0.2.53"]},
        "hostAliases": [{"ip": "192.0.2.7", "hostnames": ["ca.example.com"]}],
    },
    "labels that the chart has as well": {
        "global": {
            "commonLabels": {"app.kubernetes.io/part-of": "platform", "team": "platform"},
            "notOurs": {"of": "another chart"},
        },
        "podLabels": {"team": "certificates", "app.kubernetes.io/version": "ours"},
        "serviceAccount": {"labels": {"team": "accounts"}},
        "responder": {"podLabels": {"app.kubernetes.io/part-of": "answers"}},
    },
    "other ports and names": {
        "fullnameOverride": "tls-keeper",
        "ports": {"metrics": 19402, "challenges": 18089, "health": 18090},
        "terminationGracePeriodSeconds": 60,
        "responder": {"drainSeconds": 20, "terminationGracePeriodSeconds": 45},
        "image": {"registry": "registry.example.com/tools", "repository": "tls/certwright", "tag": "1.2.3"},
    },
    "a dashboard": {"grafana": {"dashboard": {"enabled": True, "annotations": {"grafana_folder": "TLS"}}}},
}

#: The same with objects of the Prometheus Operator, whose CRDs no cluster of the tests has.
MONITORED: dict[str, dict[str, Any]] = {
    "all of it": {
        "prometheus": {"podmonitor": {"enabled": True}, "rules": {"enabled": True}},
        "grafana": {"dashboard": {"enabled": True}},
    },
    "elsewhere": {
        "prometheus": {
            "podmonitor": {
                "enabled": True,
                "namespace": "monitoring",
                "labels": {"release": "prometheus"},
                "annotations": {"example.com/owner": "platform"},
                "interval": "30s",
                "endpointAdditionalProperties": {"proxyUrl": "http://proxy:3128", "interval": "15s"},
            },
            "rules": {
                "enabled": True,
                "namespace": "monitoring",
                "labels": {"release": "prometheus"},
                "annotations": {"example.com/owner": "platform"},
                "alertLabels": {"team": "platform"},
                "runbookUrl": "https://git.example.com/certwright/operator/METRICS.md",
            },
        },
        "grafana": {
            "dashboard": {
                "enabled": True,
                "namespace": "monitoring",
                "annotations": {"grafana_folder": "TLS"},
            }
        },
    },
}
