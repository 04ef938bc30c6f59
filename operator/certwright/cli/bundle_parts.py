"""Reads what a support archive holds, a page at a time, and keeps of it what may leave the cluster.

A part that cannot be read is noted with its reason; the others are read all the same.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from certwright import __version__
from certwright.cli.archive import as_part_of_a_path
from certwright.cli.bundle_shapes import (
    ATTEMPT,
    CERTIFICATE,
    DEPLOYMENT,
    EVENT,
    ISSUER,
    LEAF,
    LEDGER,
    POD,
    Shape,
)
from certwright.cli.redaction import attempt_facts, in_short, kept, scrubbed, secret_facts
from certwright.cli.session import Session, segment, told
from certwright.failures import Setback, TryLater
from certwright.resources.json_values import list_of, mapping_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Objects of one kind, Secrets and pods; of more it is said how many were not read.
MOST_OBJECTS = 5000
MOST_SECRETS = 500
MOST_PODS = 20
#: Of one container's log, from its end.
LOG_LINES = 2000
LOG_BYTES = 1024 * 1024
#: The namespace of the Events of what has none (`kube/events.py`).
CLUSTER_EVENTS = "default"
#: What the chart labels all its objects with.
_OURS = "app.kubernetes.io/part-of=certwright"

Body = dict[str, Any]


@dataclass(slots=True)
class Contents:
    """What was found.

    Attributes:
        files: text by path.
        unread: parts that could not be read, with the reason.
        cut: parts of which some was left out because there is too much.
    """

    files: dict[str, str] = field(default_factory=dict)
    unread: list[tuple[str, str]] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)

    def put(self, path: str, value: Any) -> None:
        """Add a file of JSON."""
        self.files[path] = json.dumps(value, indent=1, sort_keys=True) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for.

    Attributes:
        namespace: "" for all.
        names: of Certificates; none for all.
        operator_namespace: where the operator runs.
    """

    namespace: str
    names: tuple[str, ...]
    operator_namespace: str
    keep_emails: bool = False


def collect(at_hand: Session, wanted: Wanted) -> Contents:
    """All parts; raises TryLater if the API server cannot be reached at all."""
    reading = _Reading(at_hand, wanted)
    reading.versions()
    certificates = reading.certificates()
    issuers = reading.issuers(certificates)
    reading.secrets(certificates, issuers)
    reading.events(certificates, issuers)
    reading.operator(certificates)
    return reading.contents


class _Reading:
    """One pass over the cluster."""

    def __init__(self, at_hand: Session, wanted: Wanted) -> None:
        self._at_hand = at_hand
        self._wanted = wanted
        self.contents = Contents()

    def versions(self) -> None:
        """Of this program and of the API server, which is asked first."""
        server: Body = {}
        try:
            server = self._at_hand.api.get("/version") or {}
        except TryLater:
            raise
        except Setback as setback:
            self._unread("version of the API server", setback)
        found = {"certwright": __version__, "kubernetes": text_of(server.get("gitVersion"))}
        self.contents.put("versions.json", found)

    def certificates(self) -> list[Body]:
        """Those that were asked for."""
        wanted = self._wanted
        if not wanted.names:
            path = self._at_hand.collection("Certificate", wanted.namespace)
            found = self._listed("Certificates", path, CERTIFICATE)
        else:
            found = [body for name in wanted.names if (body := self._certificate(name))]
        self._by_namespace("certificates", found)
        return found

    def _certificate(self, name: str) -> Body | None:
        where = self._wanted.namespace
        body = self._one(f"Certificate {where}/{name}", lambda: self._at_hand.get("Certificate", where, name))
        return self._kept(body, CERTIFICATE) if body else None

    def issuers(self, certificates: list[Body]) -> list[Body]:
        """Of the namespaces, and those that serve all; where names were given, those that they refer to."""
        refs = {_issuer_of(each) for each in certificates}

        def asked(body: Body) -> bool:
            place = (body["metadata"].get("namespace") or "", body["metadata"].get("name"))
            return not self._wanted.names or place in refs

        every = self._at_hand.collection("ClusterIssuer", "")
        cluster = self._listed("ClusterIssuers", every, ISSUER, want=asked)
        self.contents.put("cluster/clusterissuers.json", cluster)
        here = self._at_hand.collection("Issuer", self._wanted.namespace)
        issuers = self._listed("Issuers", here, ISSUER, want=asked)
        self._by_namespace("issuers", issuers)
        return [*cluster, *issuers]

    def secrets(self, certificates: list[Body], issuers: list[Body]) -> None:
        """Facts of the Secrets that Certificates and issuers name."""
        places = sorted(
            {(text_of(each["metadata"].get("namespace")), _target_of(each)) for each in certificates}
            | {place for each in issuers for place in self._named_by(each)}
        )
        refused: set[str] = set()
        found: list[Body] = []
        for namespace, name in places[:MOST_SECRETS]:
            if not name or namespace in refused:
                continue
            try:
                secret = self._at_hand.secret(namespace, name)
            except Setback as setback:
                refused.add(namespace)
                self._unread(f"Secrets of namespace {namespace}", setback)
                continue
            if secret is None:
                self.contents.unread.append((f"Secret {namespace}/{name}", "it does not exist"))
            else:
                leaf = _leaf(secret)
                found.append(secret_facts(secret, self._kept(leaf, LEAF) if leaf else None))
        if len(places) > MOST_SECRETS:
            self.contents.cut.append(f"{len(places) - MOST_SECRETS} Secrets")
        self._by_namespace("secrets", found)

    def events(self, certificates: list[Body], issuers: list[Body]) -> None:
        """Of our objects, and ours of Ingresses; where names were given, of those and what belongs to them."""
        wanted, group = self._wanted, f"involvedObject.apiVersion={self._at_hand.names.api_version}"
        about = {("Certificate", name) for name in wanted.names}
        about |= {
            ("Issuer" if where else "ClusterIssuer", name) for where, name in map(_issuer_of, certificates)
        }
        about |= {("Ingress", name) for each in certificates for name in _ingresses_of(each)}

        def asked(body: Body) -> bool:
            it = mapping_of(body.get("involvedObject"))
            return not wanted.names or (it.get("kind"), it.get("name")) in about

        def listed(what: str, namespace: str, fields: str) -> list[Body]:
            where = f"/namespaces/{segment(namespace)}" if namespace else ""
            return self._listed(what, f"/api/v1{where}/events", EVENT, fields=fields, want=asked)

        found = listed("Events", wanted.namespace, group)
        ours = f"involvedObject.kind=Ingress,reportingComponent={self._at_hand.names.controller}"
        found += listed("Events of Ingresses", wanted.namespace, ours)
        everywhere = any(not text_of(each["metadata"].get("namespace")) for each in issuers)
        if everywhere and wanted.namespace not in ("", CLUSTER_EVENTS):
            fields = f"{group},involvedObject.kind=ClusterIssuer"
            found += listed("Events of ClusterIssuers", CLUSTER_EVENTS, fields)
        self._by_namespace("events", found)

    def operator(self, certificates: list[Body]) -> None:
        """The operator's pods with the ends of their logs, and what it keeps in its namespace."""
        names, where = self._at_hand.names, segment(self._wanted.operator_namespace)
        core = f"/api/v1/namespaces/{where}"
        deployments = f"/apis/apps/v1/namespaces/{where}/deployments"
        found = self._listed("Deployments of the operator", deployments, DEPLOYMENT, selector=_OURS)
        self.contents.put("operator/deployments.json", found)
        pods = self._listed("pods of the operator", f"{core}/pods", POD, selector=_OURS)
        self.contents.put("operator/pods.json", pods)
        for pod in pods[:MOST_PODS]:
            self._logs(core, pod)
        if len(pods) > MOST_PODS:
            self.contents.cut.append(f"logs of {len(pods) - MOST_PODS} pods")
        uids = {text_of(each["metadata"].get("uid")) for each in certificates}
        self._journals(f"{core}/secrets", f"{names.secret_label}={names.attempt}", uids)
        self._ledgers(f"{core}/configmaps", f"{names.ledger_label}={names.holds}")

    def _logs(self, core: str, pod: Body) -> None:
        name = text_of(pod["metadata"].get("name"))
        for container in list_of(mapping_of(pod.get("spec")).get("containers")):
            self._log(core, name, text_of(container.get("name")))

    def _log(self, core: str, pod: str, container: str) -> None:
        query = [("container", container), ("tailLines", str(LOG_LINES)), ("limitBytes", str(LOG_BYTES))]
        path = f"{core}/pods/{segment(pod)}/log"
        what = f"log of pod {pod}, container {container}"
        text = self._one(what, lambda: self._at_hand.api.text(path, query))
        if text is not None:
            file = f"operator/logs/{as_part_of_a_path(pod)}/{as_part_of_a_path(container)}.log"
            self.contents.files[file] = scrubbed(text, keep_emails=self._wanted.keep_emails)

    def _journals(self, path: str, selector: str, uids: set[str]) -> None:
        from certwright.kube.attempts import read_attempt  # noqa: PLC0415  takes long to load

        def facts(secret: Body) -> Body | None:
            attempt = read_attempt(secret)
            return attempt_facts(attempt) if attempt and attempt.certificate_uid in uids else None

        found = self._listed("attempts", path, ATTEMPT, selector=selector, of=facts)
        self.contents.put("operator/attempts.json", found)

    def _ledgers(self, path: str, selector: str) -> None:
        from certwright.resources.ledger import ledger_to_text, read_ledger  # noqa: PLC0415  takes long to load

        def book(body: Body) -> Body | None:
            ledger = read_ledger(body)
            return json.loads(ledger_to_text(ledger)) if ledger else None

        self.contents.put(
            "operator/ledgers.json", self._listed("ledgers", path, LEDGER, selector=selector, of=book)
        )

    def _listed(
        self,
        what: str,
        path: str,
        shape: Shape,
        *,
        selector: str = "",
        fields: str = "",
        want: Callable[[Body], bool] = lambda _: True,
        of: Callable[[Body], Body | None] = lambda body: body,
    ) -> list[Body]:
        """Of all objects what may be written; `of` makes an object of each, or None for one that is passed over."""
        found: list[Body] = []
        more = 0
        try:
            for page in self._at_hand.api.pages(path, selector=selector, fields=fields):
                for body in map(of, filter(want, page)):
                    if body is not None and len(found) < MOST_OBJECTS:
                        found.append(self._kept(body, shape))
                    elif body is not None:
                        more += 1
        except Setback as setback:
            self._unread(what, setback)
        if more:
            self.contents.cut.append(f"{more} {what}")
        return found

    def _one(self, what: str, read: Callable[[], Any]) -> Any:
        try:
            found = read()
        except Setback as setback:
            self._unread(what, setback)
            return None
        if found is None:
            self.contents.unread.append((what, "it does not exist"))
        return found

    def _kept(self, body: Body, shape: Shape) -> Body:
        found: Body = kept(body, shape, keep_emails=self._wanted.keep_emails)
        return found

    def _unread(self, what: str, setback: Setback) -> None:
        why = in_short(told(setback, self._at_hand.server), keep_emails=self._wanted.keep_emails)
        self.contents.unread.append((what, why))

    def _by_namespace(self, what: str, found: Iterable[Body]) -> None:
        places: dict[str, list[Body]] = defaultdict(list)
        for each in found:
            places[text_of(each["metadata"].get("namespace"))].append(each)
        for namespace, bodies in places.items():
            self.contents.put(f"namespaces/{as_part_of_a_path(namespace)}/{what}.json", bodies)

    def _named_by(self, issuer: Body) -> set[tuple[str, str]]:
        """Secrets that an issuer refers to; those of a ClusterIssuer are the operator's neighbours."""
        namespace = text_of(issuer["metadata"].get("namespace")) or self._wanted.operator_namespace
        acme = mapping_of(mapping_of(issuer.get("spec")).get("acme"))
        refs = [
            acme.get("privateKeySecretRef"),
            acme.get("caBundleSecretRef"),
            mapping_of(acme.get("externalAccountBinding")).get("keySecretRef"),
            *(
                mapping_of(mapping_of(mapping_of(each).get("dns01")).get("rfc2136")).get(
                    "tsigSecretSecretRef"
                )
                for each in list_of(acme.get("solvers"))
            ),
        ]
        return {(namespace, text_of(mapping_of(ref).get("name"))) for ref in refs if ref}


def _issuer_of(certificate: Body) -> tuple[str, str]:
    """Namespace ("" for a ClusterIssuer) and name."""
    ref = mapping_of(mapping_of(certificate.get("spec")).get("issuerRef"))
    everywhere = ref.get("kind") == "ClusterIssuer"
    return (
        "" if everywhere else text_of(certificate["metadata"].get("namespace")),
        text_of(ref.get("name")),
    )


def _ingresses_of(certificate: Body) -> list[str]:
    """Names of the Ingresses that it was made for."""
    owners = map(mapping_of, list_of(certificate["metadata"].get("ownerReferences")))
    return [text_of(each.get("name")) for each in owners if each.get("kind") == "Ingress"]


def _target_of(certificate: Body) -> str:
    return text_of(mapping_of(certificate.get("spec")).get("secretName"))


def _leaf(secret: Body) -> Body | None:
    """What the certificate in a Secret says of itself; it is public."""
    from certwright.pki.leaf import read_leaf  # noqa: PLC0415  takes long to load
    from certwright.resources.condition import write_moment  # noqa: PLC0415  beside it

    try:
        leaf = read_leaf(base64.b64decode(text_of(mapping_of(secret.get("data")).get("tls.crt"))))
    except (binascii.Error, ValueError):
        return None
    if leaf is None:
        return None
    return {
        "dnsNames": sorted(leaf.dns_names),
        "commonName": leaf.common_name,
        "serialNumber": leaf.serial_number,
        "fingerprintSHA256": leaf.fingerprint_sha256,
        "notBefore": write_moment(leaf.not_before),
        "notAfter": write_moment(leaf.not_after),
        "issuer": leaf.issuer_common_name,
    }
