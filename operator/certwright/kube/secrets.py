"""Secrets: read any, write the target of a Certificate, create an account key."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from certwright.kube.api import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from certwright.kube.api import Json, KubeApi
    from certwright.resources.names import ApiNames
    from certwright.secret_text import SecretText


#: No object ever has it (etcd counts from 1, and that is the empty store). An apply that names it creates what is
#: absent, and conflicts with whatever is there: also with what we applied ourselves for another Certificate.
NO_VERSION = "1"


def secret_path(namespace: str, name: str = "") -> str:
    """URL path of one Secret, or of all in a namespace."""
    return f"/api/v1/namespaces/{namespace}/secrets" + (f"/{name}" if name else "")


def encoded(text: str) -> str:
    """Text as `data` of a Secret carries it."""
    return base64.b64encode(text.encode()).decode()


class KubeSecrets:
    """The Secrets that issuers and Certificates name."""

    def __init__(self, api: KubeApi, names: ApiNames) -> None:
        self._api = api
        self._names = names

    def read(self, namespace: str, name: str) -> Json | None:
        """The live Secret, or None."""
        return self._api.get(secret_path(namespace, name))

    def apply_target(
        self,
        *,
        namespace: str,
        name: str,
        data: Mapping[str, str],
        key: SecretText,
        annotations: Mapping[str, str],
        replaces: tuple[str, str] | None,
    ) -> Json:
        """Write key and chain in one server-side apply.

        Args:
            data: texts by key (tls.crt, ca.crt).
            key: PEM of tls.key.
            replaces: uid and resourceVersion of the Secret that stands there, or None if none may.

        Raises:
            Conflict: it is another Secret, or another version, than the one that was looked at.
        """
        metadata: Json = {"name": name, "namespace": namespace}
        if replaces:
            metadata["uid"], metadata["resourceVersion"] = replaces
        else:
            metadata["resourceVersion"] = NO_VERSION
        encoded_data = {field: encoded(text) for field, text in data.items()}
        encoded_data["tls.key"] = encoded(key.reveal())
        return self._apply_target(metadata, annotations, encoded_data, force=replaces is not None)

    def stamp_target(self, secret: Json, *, fields: Collection[str], annotations: Mapping[str, str]) -> Json:
        """Write our label and annotations in one server-side apply that carries the data as it stands.

        Args:
            secret: as it was just read; the apply is for this version of this very object.
            fields: keys of the data that are ours from now on; the apply says of them what they are already.
            annotations: all that are ours; one that we set before and that is missing here goes.

        Raises:
            Conflict: it is another Secret, or another version, than the one that was read.
        """
        present = secret["metadata"]
        metadata = {key: present[key] for key in ("name", "namespace", "uid", "resourceVersion")}
        data = {field: text for field, text in secret["data"].items() if field in fields}
        return self._apply_target(metadata, annotations, data, force=True)

    def _apply_target(
        self, metadata: Json, annotations: Mapping[str, str], data: Mapping[str, str], *, force: bool
    ) -> Json:
        labels = {self._names.secret_label: self._names.target}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": metadata | {"labels": labels, "annotations": dict(annotations)},
            "data": dict(data),
        }
        return self._api.apply(secret_path(metadata["namespace"], metadata["name"]), body, force=force)

    def create_account_key(
        self, *, namespace: str, name: str, field: str, key: SecretText, directory: str
    ) -> Json | None:
        """POST a new account key; None if a Secret of that name exists already, which then must be read.

        Args:
            namespace, name: of the Secret.
            field: key of its data.
            key: in PEM.
            directory: URL of the CA that it is made for, which is noted beside it.
        """
        body: Json = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {self._names.secret_label: self._names.account},
                "annotations": {self._names.directory: directory},
            },
            "data": {field: encoded(key.reveal())},
        }
        try:
            return self._api.create(secret_path(namespace), body)
        except AlreadyExists:
            return None

    def replace_account_key(self, secret: Json, *, field: str, key: SecretText) -> Json:
        """Write another account key over one that we made, in one server-side apply.

        Args:
            secret: as it was just read; the apply is for this version of this very object.
            field: key of the data.
            key: in PEM.

        Raises:
            Conflict: it is another Secret, or another version, than the one that was read.
        """
        present, names = secret["metadata"], self._names
        metadata = {each: present[each] for each in ("name", "namespace", "uid", "resourceVersion")}
        annotations = present.get("annotations") or {}
        metadata["labels"] = {names.secret_label: names.account}
        metadata["annotations"] = {names.directory: annotations.get(names.directory, "")}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "data": {field: encoded(key.reveal())},
        }
        # By force: until now the key is ours by a POST, which is another manager to the API server.
        return self._api.apply(secret_path(present["namespace"], present["name"]), body, force=True)
