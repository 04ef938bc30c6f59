"""`certwright bundle`: what is in the archive, and what never is."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certwright.cli import bundle_parts
from certwright.cli.archive import packed
from certwright.cli.bundle import missing, readme, written
from certwright.cli.bundle_parts import Contents, Wanted, collect
from certwright.cli.session import Session
from certwright.failures import NeedsPerson, TryLater
from certwright.kube.attempts import KubeAttempts
from certwright.kube.ledgers import KubeLedgers
from certwright.resources.attempt import Proof
from certwright.resources.conditions import Reason
from certwright.resources.ledger import Hold, Ledger
from certwright.resources.names import ApiNames, Ref
from certwright.secret_text import SecretText
from tests.cli.golden import ESCAPES, NOW, failing, on_the_page, ready
from tests.cli.test_listing import certwright, config, server
from tests.kube.scripted_server import Answer, ScriptedServer, refusal
from tests.pki.issuing import found, issue, pem_of
from tests.reconcile.situations import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from certwright.failures import Setback
    from certwright.kube.api import KubeApi

__all__ = ["config", "server"]

OURS = "/apis/certwright.dev/v1"
SHOP = f"{OURS}/namespaces/shop"
OPERATOR = "/api/v1/namespaces/certwright"

FORBIDDEN = NeedsPerson(Reason.FORBIDDEN.word, 'GET /x: secrets is forbidden: User "me" cannot get')
FORBIDDEN.http_status = 403
AWAY = TryLater(Reason.API_SERVER_UNAVAILABLE.word, "GET /version was not answered: MaxRetryError")


@dataclass
class Cluster:
    """Answers as an API server would, from objects by path; `create` stores."""

    objects: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, Setback] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        self._look(path)
        return self.objects.get(path)

    def text(self, path: str, query: Sequence[tuple[str, str]]) -> str:
        self._look(path)
        assert {"container", "tailLines", "limitBytes"} == {key for key, _ in query}
        return str(self.objects[path])

    def pages(self, path: str, *, selector: str = "", fields: str = "") -> Iterator[list[Any]]:
        self._look(path)
        wanted = [each.partition("=") for each in fields.split(",") if each]
        key, _, value = selector.partition("=")
        for body in self.objects.get(path, []):
            labelled = not selector or (body["metadata"].get("labels") or {}).get(key) == value
            if labelled and all(field_of(body, path) == expected for path, _, expected in wanted):
                yield [body]

    def create(self, path: str, body: Any) -> Any:
        body["metadata"] |= {"uid": f"uid-{len(self.objects)}", "resourceVersion": "7"}
        self.objects.setdefault(path, []).append(body)
        return body

    def _look(self, path: str) -> None:
        for beginning, setback in self.refused.items():
            if path.startswith(beginning):
                raise setback

    def session(self) -> Session:
        return Session(cast("KubeApi", self), ApiNames(), "https://cluster.example", "shop")


def about(kind: str, name: str, api_version: str = "certwright.dev/v1") -> Any:
    return {"kind": kind, "name": name, "apiVersion": api_version}


def field_of(body: Any, path: str) -> Any:
    """As field selectors name it."""
    for key in path.split("."):
        body = body.get(key, {})
    return body


def full(marker: str, tls_crt: str = "") -> Cluster:
    """A cluster in which a secret stands wherever one may stand."""
    hidden = base64.b64encode(marker.encode()).decode()
    noise = {
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": marker, "note": marker},
        "labels": {"app.kubernetes.io/part-of": "certwright", "note": marker},
        "managedFields": [{"manager": marker, "fieldsV1": {f"f:{marker}": {}}}],
    }

    def put(body: Any) -> Any:
        body["metadata"] = body.get("metadata", {}) | noise
        return body

    def secret(namespace: str, name: str, **data: str) -> tuple[str, Any]:
        body = put({"metadata": {"namespace": namespace, "name": name}, "type": "Opaque", "data": data})
        return f"/api/v1/namespaces/{namespace}/secrets/{name}", body | {"stringData": {"x": marker}}

    web, api = put(ready("web")), put(failing())
    web["spec"]["unknown"] = api["status"]["unknown"] = marker
    rfc2136 = {
        "nameserver": "192.0.2.53",
        "tsigSecretSecretRef": {"name": "dns", "key": "tsig"},
        "tsig": marker,
    }
    template = {"metadata": {"annotations": {"auth": marker}, "labels": {"auth": marker}}}
    acme = {
        "server": "https://acme.example.com/directory",
        "email": "ada@example.com",
        "privateKeySecretRef": {"name": "account"},
        "externalAccountBinding": {"keyID": marker, "keySecretRef": {"name": "eab", "key": "mac"}},
        "solvers": [{"dns01": {"rfc2136": rfc2136}}, {"http01": {"ingress": {"ingressTemplate": template}}}],
    }
    issuer = put({"metadata": {"namespace": "shop", "name": "ca"}, "spec": {"acme": acme}})
    said = f"Authorization: Bearer {marker} from ada@example.com"
    event = {"reason": "Failed", "message": said, "involvedObject": about("Certificate", "api")}
    container = {
        "name": "operator",
        "image": "certwright:1",
        "args": ["run"],
        "env": [{"name": "https_proxy", "value": marker}],
    }
    pod = put(
        {"metadata": {"name": "certwright-1"}, "spec": {"containers": [container], "volumes": [marker]}}
    )
    deployment = put({"metadata": {"name": "certwright"}, "spec": {"template": {"spec": pod["spec"]}}})
    log = f"started\n-----BEGIN EC PRIVATE KEY-----\n{marker}\n-----END EC PRIVATE KEY-----\nended\n"
    cluster = Cluster(
        {
            "/version": {"gitVersion": "v1.35.0", "unknown": marker},
            f"{SHOP}/certificates": [web, api],
            f"{SHOP}/certificates/web": web,
            f"{SHOP}/issuers": [issuer],
            f"{OURS}/clusterissuers": [],
            "/api/v1/namespaces/shop/events": [put({"metadata": {"namespace": "shop", "name": "e"}} | event)],
            "/apis/apps/v1/namespaces/certwright/deployments": [deployment],
            f"{OPERATOR}/pods": [pod],
            f"{OPERATOR}/pods/certwright-1/log": log,
            **dict(
                (
                    secret("shop", "web-tls", **{"tls.crt": tls_crt or hidden, "tls.key": hidden}),
                    secret("shop", "dns", tsig=hidden),
                    secret("shop", "eab", mac=hidden),
                )
            ),
        }
    )
    proof = Proof(
        identifier="api.example.test",
        wildcard=False,
        authorization_url="https://ca.example/authz/1",
        challenge_url="https://ca.example/challenge/1",
        solver=0,
        value=marker,
        type="http-01",
        token=marker,
    )
    journal = attempt(
        proofs=(proof,),
        certificate=Ref("Certificate", "shop", "api"),
        certificate_uid="uid-api",
        private_key=SecretText(marker),
    )
    KubeAttempts(cast("KubeApi", cluster), ApiNames(), "certwright").create(journal)
    held = Ledger(
        "https://acme.example.com/acct/1", (Hold(scope="account", until=NOW, since=NOW, reason="x"),)
    )
    KubeLedgers(cast("KubeApi", cluster), ApiNames(), "certwright").write(held)
    return cluster


WANTED = Wanted(namespace="shop", names=(), operator_namespace="certwright")


def unpacked(archive: bytes) -> dict[str, str]:
    """Texts by path, without the folder that all are in."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as opened:
        texts = {each.name: cast("Any", opened.extractfile(each)).read().decode() for each in opened}
    return {name.partition("/")[2]: text for name, text in texts.items()}


def bundle(cluster: Cluster, wanted: Wanted = WANTED) -> tuple[Contents, bytes]:
    contents = collect(cluster.session(), wanted)
    contents.files["README.txt"] = readme(contents, wanted, NOW)
    return contents, packed(contents.files, "bundle", NOW)


@given(st.text(alphabet='abcXYZ0189+/=_-. {}"\\:,\u00e9', max_size=40))
def test_no_secret_is_in_any_byte(rest: str) -> None:
    marker = f"s3cretMARKER{rest}"
    _, archive = bundle(full(marker))
    whole = gzip.decompress(archive) + "".join(unpacked(archive).values()).encode()
    kinds = (base64.b64encode(b"s3cretMARKER"), base64.urlsafe_b64encode(b"s3cretMARKER"), b"s3cretMARKER")
    assert not [form for form in kinds if form in whole]
    assert b"tls.key" in whole


def test_what_helps_is_in_it() -> None:
    root = found("Example CA")
    leaf = issue(root.key, ["web.example.test"], root, serial_number=0x5CA1AB1E)
    contents, archive = bundle(full("MARKER", base64.b64encode(pem_of(leaf).encode()).decode()))
    files = unpacked(archive)
    assert files == contents.files
    assert sorted(files) == [
        "README.txt",
        "cluster/clusterissuers.json",
        "namespaces/shop/certificates.json",
        "namespaces/shop/events.json",
        "namespaces/shop/issuers.json",
        "namespaces/shop/secrets.json",
        "operator/attempts.json",
        "operator/deployments.json",
        "operator/ledgers.json",
        "operator/logs/certwright-1/operator.log",
        "operator/pods.json",
        "versions.json",
    ]
    read = {name: json.loads(text) for name, text in files.items() if name.endswith(".json")}
    assert read["versions.json"]["kubernetes"] == "v1.35.0"
    assert [each["metadata"]["name"] for each in read["namespaces/shop/certificates.json"]] == ["web", "api"]
    (target,) = [
        each for each in read["namespaces/shop/secrets.json"] if each["metadata"]["name"] == "web-tls"
    ]
    assert target["data"]["tls.key"] == "6 bytes"
    assert target["certificate"]["serialNumber"] == "5ca1ab1e"
    assert target["certificate"]["issuer"] == "Example CA"
    (journal,) = read["operator/attempts.json"]
    assert journal["certificate"] == {"kind": "Certificate", "namespace": "shop", "name": "api"}
    assert journal["order"] == "https://ca.example/order/1"
    assert journal["proofs"] == [
        {
            "name": "api.example.test",
            "type": "http-01",
            "authorization": "https://ca.example/authz/1",
            "challenge": "https://ca.example/challenge/1",
        }
    ]
    assert read["operator/ledgers.json"][0]["holds"][0]["scope"] == "account"
    assert read["operator/pods.json"][0]["spec"]["containers"][0]["image"] == "certwright:1"
    assert files["operator/logs/certwright-1/operator.log"] == "started\n(left out)\nended\n"
    assert "***@example.com" in files["namespaces/shop/events.json"]
    assert contents.unread == [
        ("Secret shop/account", "it does not exist"),
        ("Secret shop/api-tls", "it does not exist"),
    ]
    assert "These could not be read:\n- Secret shop/account: it does not exist\n" in files["README.txt"]


def test_names_choose_what_belongs_to_them() -> None:
    cluster = full("MARKER")
    cluster.objects[f"{SHOP}/issuers"].append({"metadata": {"namespace": "shop", "name": "other"}})
    wanted = Wanted(
        namespace="shop", names=("web", "gone"), operator_namespace="certwright", keep_emails=True
    )
    cluster.objects[f"{OURS}"] = {"kind": "APIResourceList"}
    contents, _ = bundle(cluster, wanted)
    named = json.loads(contents.files["namespaces/shop/certificates.json"])
    assert [each["metadata"]["name"] for each in named] == ["web"]
    issuers = json.loads(contents.files["namespaces/shop/issuers.json"])
    assert [each["metadata"]["name"] for each in issuers] == ["ca"]
    assert issuers[0]["spec"]["acme"]["email"] == "ada@example.com"
    assert "namespaces/shop/events.json" not in contents.files
    assert json.loads(contents.files["operator/attempts.json"]) == []
    assert ("Certificate shop/gone", "it does not exist") in contents.unread


def test_parts_that_are_refused_are_listed_and_the_others_are_there() -> None:
    cluster = full("MARKER")
    refused = (
        "/version",
        f"{OURS}/clusterissuers",
        "/api/v1/namespaces/shop/secrets",
        OPERATOR,
        "/apis/apps/v1",
    )
    cluster.refused = dict.fromkeys(refused, FORBIDDEN)
    contents, _ = bundle(cluster)
    assert len(json.loads(contents.files["namespaces/shop/certificates.json"])) == 2
    assert [what for what, _ in contents.unread] == [
        "version of the API server",
        "ClusterIssuers",
        "Secrets of namespace shop",
        "Deployments of the operator",
        "pods of the operator",
        "attempts",
        "ledgers",
    ]
    assert {why for _, why in contents.unread} == {
        'No permission: secrets is forbidden: User "me" cannot get'
    }


def test_a_server_that_is_away_is_no_archive() -> None:
    with pytest.raises(TryLater):
        collect(Cluster(refused={"/": AWAY}).session(), WANTED)


def test_more_than_is_read_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_parts, "MOST_OBJECTS", 1)
    monkeypatch.setattr(bundle_parts, "MOST_SECRETS", 2)
    contents, _ = bundle(full("MARKER"))
    assert contents.cut == ["1 Certificates", "2 Secrets"]
    assert "too much:\n- 1 Certificates\n- 2 Secrets\n" in contents.files["README.txt"]


def test_the_same_contents_and_time_are_the_same_bytes() -> None:
    files = {"b": "2", "a/c": "1"}
    archive = packed(files, "bundle", NOW)
    assert archive == packed(dict(reversed(files.items())), "bundle", NOW)
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        members = opened.getmembers()
    assert [(each.name, each.mode, each.uid, each.uname) for each in members] == [
        ("bundle/a/c", 0o600, 0, ""),
        ("bundle/b", 0o600, 0, ""),
    ]
    assert {datetime.fromtimestamp(each.mtime, UTC) for each in members} == {NOW}


SAID = """\
Wrote help.tar.gz (12 KiB). Look into it before you pass it on.
Not in it: log of pod certwright-0, container operator: No permission: pods "certwright-0" is forbidden: User "me" cannot get resource "pods/log"
"""  # noqa: E501  as it is shown


def test_what_is_said_of_the_archive() -> None:
    refusal = 'No permission: pods "certwright-0" is forbidden: User "me" cannot get resource "pods/log"'
    contents = Contents(unread=[("log of pod certwright-0, container operator", refusal)])
    lines = [written("help.tar.gz", 11 * 1024 + 1), *missing(contents)]
    assert "\n".join(lines) + "\n" == SAID
    assert on_the_page(SAID)
    hostile = [written(ESCAPES, 1), *missing(Contents(unread=[(ESCAPES, ESCAPES)]))]
    assert not set("".join(hostile)) & set("\x1b\u202e")


NOTHING = Answer(body={"items": []})
EMPTY = (Answer(body={"gitVersion": "v1.35.0"}), *(NOTHING,) * 9)


def test_the_file_is_for_its_owner_and_is_not_written_over(
    server: ScriptedServer, config: Path, tmp_path: Path
) -> None:
    file = tmp_path / "help.tar.gz"
    server.script(*EMPTY)
    done = certwright(config, "bundle", "-o", str(file))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Wrote {file} (1 KiB). Look into it")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "README.txt" in unpacked(file.read_bytes())
    again = certwright(config, "bundle", "-o", str(file))
    assert again.exit_code == 1
    assert again.stderr == f"Error: {file} exists; name another file, or write over it with --force\n"
    file.write_bytes(b"")
    file.chmod(0o644)
    server.script(*EMPTY)
    assert certwright(config, "bundle", "-o", str(file), "--force").exit_code == 0
    assert (file.stat().st_mode & 0o777, file.stat().st_size > 0) == (0o600, True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["config", "help.tar.gz"]


def test_standard_output_gets_the_archive_alone(server: ScriptedServer, config: Path) -> None:
    server.script(EMPTY[0], refusal(403, "Forbidden", "certificates is forbidden"), *EMPTY[2:])
    done = certwright(config, "bundle", "-n", "shop", "-o", "-")
    assert done.exit_code == 0
    assert "README.txt" in unpacked(done.stdout_bytes)
    assert done.stderr == "Not in it: Certificates: No permission: certificates is forbidden\n"
    assert server.asked[1].query["limit"] == "500"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["web", "-A"], "NAME and --all-namespaces exclude each other"),
        (["-o", "/nowhere/help.tar.gz"], "/nowhere/help.tar.gz cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    server: ScriptedServer, config: Path, arguments: list[str], said: str
) -> None:
    server.script(*EMPTY)
    done = certwright(config, "bundle", *arguments)
    assert (done.exit_code, said in done.stderr) == (1, True), done.stderr
