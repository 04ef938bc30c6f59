"""The target Secret as facts: what drift is judged by. Its bytes go no further than this file."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.pki import chain, keys, leaf
from certwright.reconcile.managed_fields import annotations_of, data_of, last_setter
from certwright.resources.json_values import mapping_of
from certwright.resources.names import FIELD_MANAGER
from certwright.resources.renew_value import kept_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.pki.keys import KeyFacts
    from certwright.pki.leaf import LeafFacts
    from certwright.resources.names import ApiNames

TLS_TYPE = "kubernetes.io/tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Facts of an existing Secret that a Certificate names.

    Attributes:
        label: value of the label that says what we use the Secret for, or "".
        stamps: our annotations as they stand there, whoever wrote them.
        certificate_name: the Certificate that the Secret says it belongs to, or "".
        issuer_name: who signed, as far as the record can be believed, or "".
        directory: ACME directory that the certificate came from, by the same record, or "".
        attempt_id: UID of the attempt that wrote it, or "".
        wish_hash: hash of the profile and chain that were asked for, "" for neither, None if nobody knows.
        handled_renew: value of the annotation that asks for a renewal, as it was answered last by this record, or "".
        leads_to: common name of whoever issued the topmost certificate in tls.crt, or "".
        adopt: whether somebody handed the Secret over to us.
        controller: `Kind/name` of a controlling owner, or "".
        crt_manager: field manager that set tls.crt, us if we are among them, or "" if it cannot be told.
        key_manager: the same of tls.key.
        vouched: whether the record beside the certificate is about this very one, and tells its directory.
        chain_flaw: why tls.crt cannot have come from a CA, or ""; not looked for where the record vouches for it.
        has_certificate: whether tls.crt is there and not empty.
        leaf: facts of the first certificate, None if unreadable or absent.
        key: facts of the private key, None if unreadable or absent.
    """

    uid: str
    resource_version: str
    type: str
    immutable: bool
    label: str
    stamps: Mapping[str, str]
    certificate_name: str
    issuer_name: str
    issuer_kind: str
    directory: str
    attempt_id: str
    wish_hash: str | None
    handled_renew: str
    leads_to: str
    adopt: bool
    controller: str
    crt_manager: str
    key_manager: str
    vouched: bool
    chain_flaw: str
    has_certificate: bool
    has_key: bool
    leaf: LeafFacts | None
    key: KeyFacts | None


def read_target(secret: Mapping[str, Any], names: ApiNames) -> Target:
    """Facts of a Secret as the API server sends it; garbage in it is an observation, not an error."""
    metadata = mapping_of(secret.get("metadata"))
    annotations = mapping_of(metadata.get("annotations"))
    labels = mapping_of(metadata.get("labels"))
    data = mapping_of(secret.get("data"))
    fields = metadata.get("managedFields")
    certificate, key = _decoded(data.get("tls.crt")), _decoded(data.get("tls.key"))
    first = leaf.read_leaf(certificate) if certificate else None
    stamps = {each: str(annotations[each]) for each in names.stamps if each in annotations}
    setter = last_setter(fields, "tls.crt")
    is_recorded = first is not None and first.serial_number == stamps.get(names.serial_number)
    record = _record(stamps, fields, is_recorded=is_recorded or not stamps.get(names.serial_number))
    vouched = bool(record.get(names.directory)) and (is_recorded or setter == FIELD_MANAGER)
    return Target(
        uid=str(metadata.get("uid", "")),
        resource_version=str(metadata.get("resourceVersion", "")),
        type=str(secret.get("type", "")),
        immutable=bool(secret.get("immutable", False)),
        label=str(labels.get(names.secret_label, "")),
        stamps=stamps,
        certificate_name=stamps.get(names.certificate_name, ""),
        issuer_name=record.get(names.issuer_name, ""),
        issuer_kind=record.get(names.issuer_kind, ""),
        directory=record.get(names.directory, ""),
        attempt_id=stamps.get(names.attempt_id, ""),
        wish_hash=_wish_hash(stamps, record, names, is_ours=vouched or setter == FIELD_MANAGER),
        handled_renew=kept_value(record.get(names.last_handled_renew, "")),
        leads_to=leaf.topmost_issuer(certificate) if first else "",
        adopt=annotations.get(names.adopt) == "true",
        controller=_controller(metadata.get("ownerReferences")),
        crt_manager=setter,
        key_manager=last_setter(fields, "tls.key"),
        vouched=vouched,
        chain_flaw="" if vouched or first is None else chain.origin_flaw(certificate),
        has_certificate=bool(certificate),
        has_key=bool(key),
        leaf=first,
        key=keys.read_facts(key) if key else None,
    )


def _record(stamps: Mapping[str, str], managed_fields: object, *, is_recorded: bool) -> Mapping[str, str]:
    """What can be believed of the record beside a certificate.

    Where the certificate is as we wrote it, what somebody edited in the record since is no evidence. A record
    beside a certificate that somebody else put there stands as a backup brings both, but one that names another
    certificate says nothing of this.
    """
    if last_setter(managed_fields, "tls.crt") == FIELD_MANAGER:
        ours = annotations_of(managed_fields, FIELD_MANAGER)
        return {each: text for each, text in stamps.items() if each in ours}
    return stamps if is_recorded else {}


def _wish_hash(
    stamps: Mapping[str, str], record: Mapping[str, str], names: ApiNames, *, is_ours: bool
) -> str | None:
    """What is known of profile and chain that were asked for; an order of ours without a note asked for neither."""
    if names.wish_hash in record:
        return record[names.wish_hash]
    untouched = is_ours and names.wish_hash not in stamps
    return "" if untouched and stamps.get(names.attempt_id) else None


def our_data(secret: Mapping[str, Any]) -> frozenset[str]:
    """Keys in the data of a Secret that an apply of ours must carry, or the API server takes them away."""
    owned = data_of(mapping_of(secret.get("metadata")).get("managedFields"), FIELD_MANAGER)
    return (owned | {"tls.crt", "tls.key"}) & frozenset(mapping_of(secret.get("data")))


def _decoded(value: object) -> bytes:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _controller(references: object) -> str:
    for reference in references if isinstance(references, list) else []:
        if isinstance(reference, dict) and reference.get("controller") is True:
            return f"{reference.get('kind', '')}/{reference.get('name', '')}"
    return ""
