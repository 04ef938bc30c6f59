"""Writing Secrets: what is sent, and under which fences."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from certwright.kube.api import Conflict
from certwright.kube.secrets import NO_VERSION, KubeSecrets
from certwright.resources.names import ApiNames
from certwright.secret_text import SecretText
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from certwright.kube.api import KubeApi

NAMES = ApiNames()


def applied(api: KubeApi, replaces: tuple[str, str] | None) -> Any:
    return KubeSecrets(api, NAMES).apply_target(
        namespace="shop",
        name="web-tls",
        data={"tls.crt": "CHAIN", "ca.crt": "ROOT"},
        key=SecretText("KEY"),
        annotations={NAMES.certificate_name: "web"},
        replaces=replaces,
    )


def test_key_and_chain_are_written_in_one_apply(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(201, {"metadata": {}}))
    applied(api, None)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/shop/secrets/web-tls")
    assert asked.body["type"] == "kubernetes.io/tls"
    decoded = {key: base64.b64decode(text).decode() for key, text in asked.body["data"].items()}
    assert decoded == {"tls.crt": "CHAIN", "ca.crt": "ROOT", "tls.key": "KEY"}
    assert asked.body["metadata"] == {
        "name": "web-tls",
        "namespace": "shop",
        "labels": {"certwright.dev/secret": "target"},
        "annotations": {"certwright.dev/certificate-name": "web"},
        "resourceVersion": NO_VERSION,
    }


def test_an_absent_secret_is_made_without_force_and_only_if_it_is_absent(
    server: ScriptedServer, api: KubeApi
) -> None:
    """No Secret has this version: one that appeared meanwhile is a conflict, also where no field is disputed."""
    server.script(Answer(201, {"metadata": {}}))
    applied(api, None)
    assert "force" not in server.asked[0].query
    assert "uid" not in server.asked[0].body["metadata"]
    assert server.asked[0].body["metadata"]["resourceVersion"] == NO_VERSION


def test_an_existing_secret_is_replaced_under_its_uid_and_version(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(Answer(200, {"metadata": {}}))
    applied(api, ("uid-1", "5"))
    assert server.asked[0].query["force"] == "true"
    metadata = server.asked[0].body["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == ("uid-1", "5")


def test_another_secret_than_was_looked_at_is_a_conflict(server: ScriptedServer, api: KubeApi) -> None:
    server.script(refusal(409, "Conflict", "Precondition failed: UID in precondition"))
    with pytest.raises(Conflict):
        applied(api, ("uid-1", "5"))


STORED = {
    "metadata": {
        "name": "web-tls",
        "namespace": "shop",
        "uid": "uid-1",
        "resourceVersion": "5",
        "labels": {"a": "b"},
    },
    "data": {"tls.crt": "Q0hBSU4=", "tls.key": "S0VZ", "extra": "eA=="},
}


def test_label_and_annotations_are_written_with_the_data_as_it_stands(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(Answer(200, {"metadata": {}}))
    KubeSecrets(api, NAMES).stamp_target(
        STORED, fields={"tls.crt", "tls.key"}, annotations={NAMES.certificate_name: "web"}
    )
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/shop/secrets/web-tls")
    assert asked.query["force"] == "true"
    assert asked.body["data"] == {"tls.crt": "Q0hBSU4=", "tls.key": "S0VZ"}
    assert asked.body["metadata"] == {
        "name": "web-tls",
        "namespace": "shop",
        "uid": "uid-1",
        "resourceVersion": "5",
        "labels": {"certwright.dev/secret": "target"},
        "annotations": {"certwright.dev/certificate-name": "web"},
    }


def test_a_secret_that_changed_since_it_was_read_is_not_stamped(server: ScriptedServer, api: KubeApi) -> None:
    server.script(refusal(409, "Conflict", "the object has been modified"))
    with pytest.raises(Conflict):
        KubeSecrets(api, NAMES).stamp_target(STORED, fields={"tls.crt", "tls.key"}, annotations={})


def test_an_account_key_is_posted_and_a_faster_one_is_not_overwritten(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(Answer(201, {"metadata": {"uid": "u"}}), refusal(409, "AlreadyExists", "exists"))
    secrets = KubeSecrets(api, NAMES)
    made = [
        secrets.create_account_key(
            namespace="shop",
            name="ca-account",
            field="tls.key",
            key=SecretText("KEY"),
            directory="https://ca.example/dir",
        )
        for _ in range(2)
    ]
    assert made == [{"metadata": {"uid": "u"}}, None]
    body = server.asked[0].body
    assert body["metadata"]["labels"] == {"certwright.dev/secret": "account"}
    assert body["metadata"]["annotations"] == {"certwright.dev/directory": "https://ca.example/dir"}
    assert base64.b64decode(body["data"]["tls.key"]) == b"KEY"


MADE = {
    "metadata": {
        "name": "ca-account",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"certwright.dev/secret": "account", "team": "web"},
        "annotations": {"certwright.dev/directory": "https://ca.example/dir", "note": "ours"},
    },
    "data": {"tls.key": "T0xE", "other": "eA=="},
}


def test_an_account_key_is_replaced_in_the_version_that_was_read_and_nothing_else_is(
    server: ScriptedServer, api: KubeApi
) -> None:
    server.script(Answer(200, {"metadata": {"uid": "u"}}), refusal(409, "Conflict", "modified"))
    secrets = KubeSecrets(api, NAMES)
    secrets.replace_account_key(MADE, field="tls.key", key=SecretText("NEW"))
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("PATCH", "/api/v1/namespaces/shop/secrets/ca-account")
    assert "force" in asked.query
    assert asked.body["metadata"] == {
        "name": "ca-account",
        "namespace": "shop",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {"certwright.dev/secret": "account"},
        "annotations": {"certwright.dev/directory": "https://ca.example/dir"},
    }
    assert asked.body["data"] == {"tls.key": base64.b64encode(b"NEW").decode()}
    with pytest.raises(Conflict):
        secrets.replace_account_key(MADE, field="tls.key", key=SecretText("NEW"))


def test_a_secret_is_read_or_is_not_there(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(200, {"metadata": {"name": "x"}}), refusal(404, "NotFound", "no"))
    secrets = KubeSecrets(api, NAMES)
    assert secrets.read("shop", "x") == {"metadata": {"name": "x"}}
    assert secrets.read("shop", "x") is None
