"""Attempts as Secrets: what is written is read back, and what is damaged is left alone."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certwright.kube.api import AlreadyExists, Conflict, KubeApi
from certwright.kube.attempts import KubeAttempts, read_attempt
from certwright.resources.attempt import Attempt, Proof, Stage, Wait
from certwright.resources.certificate import Algorithm, Encoding, PrivateKeySpec, RotationPolicy
from certwright.resources.dns01_spec import CnameStrategy, Dns01Spec, Protocol, Rfc2136Spec, TsigAlgorithm
from certwright.resources.http01_spec import (
    Http01IngressSpec,
    Http01Spec,
    IngressTemplate,
    PathType,
    TemplateMetadata,
)
from certwright.resources.names import ApiNames, Ref
from certwright.resources.secret_refs import SecretKeyRef
from certwright.resources.solver_spec import SolverSelector, SolverSpec
from certwright.resources.wish import Wish
from certwright.secret_text import SecretText
from tests.kube.scripted_server import Answer, ScriptedServer, refusal
from tests.reconcile.situations import ATTEMPT

NAMES = ApiNames()
HOME = "/api/v1/namespaces/certwright/secrets"

texts = st.text(st.characters(codec="utf-8"), max_size=12)
refs = st.builds(Ref, st.sampled_from(["Certificate", "Issuer", "ClusterIssuer"]), texts, texts)
proofs = st.builds(
    Proof,
    identifier=texts,
    wildcard=st.booleans(),
    authorization_url=texts,
    challenge_url=texts,
    solver=st.integers(0, 9),
    fqdn=texts,
    value=texts,
)
selectors = st.builds(
    SolverSelector,
    match_labels=st.dictionaries(texts, texts, max_size=2),
    dns_names=st.lists(texts, max_size=2).map(tuple),
    dns_zones=st.lists(texts, max_size=2).map(tuple),
)
self_checks = st.sampled_from(["Require", "Advise", "Wait=30s"])
dns01 = st.builds(
    Dns01Spec,
    rfc2136=st.builds(
        Rfc2136Spec,
        nameserver=texts,
        tsig_key_name=st.none() | texts,
        tsig_secret=st.none() | st.builds(SecretKeyRef, texts, texts),
        tsig_algorithm=st.sampled_from(TsigAlgorithm),
        protocol=st.sampled_from(Protocol),
    ),
    cname_strategy=st.sampled_from(CnameStrategy),
    nameservers=st.lists(texts, max_size=2).map(tuple),
    self_check_text=self_checks,
)
metadata = st.dictionaries(texts, texts, max_size=2)
http01 = st.builds(
    Http01Spec,
    ingress=st.builds(
        Http01IngressSpec,
        ingress_class_name=st.none() | texts,
        class_=st.none() | texts,
        path_type=st.sampled_from(PathType),
        ingress_template=st.builds(IngressTemplate, st.builds(TemplateMetadata, metadata, metadata)),
    ),
    self_check_text=self_checks,
)
solvers = st.one_of(
    st.builds(SolverSpec, name=st.none() | texts, selector=selectors, dns01=dns01),
    st.builds(SolverSpec, name=st.none() | texts, selector=selectors, http01=http01),
)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001  hypothesis wants naive bounds
    lambda moment: moment.replace(tzinfo=UTC)
)
attempts = st.builds(
    Attempt,
    certificate=refs,
    certificate_uid=texts,
    issuer=refs,
    directory_url=texts,
    account_url=texts,
    names=st.lists(texts, max_size=3).map(tuple),
    common_name=st.none() | texts,
    key_spec=st.builds(
        PrivateKeySpec,
        algorithm=st.none() | st.sampled_from(Algorithm),
        size=st.none() | st.integers(1, 8192),
        encoding=st.none() | st.sampled_from(Encoding),
        rotation_policy=st.sampled_from(RotationPolicy),
    ),
    private_key=texts.map(SecretText),
    public_key_sha256=texts,
    reason=texts,
    number=st.integers(1, 1000),
    started_at=moments,
    wish=st.builds(Wish, texts, texts),
    replaces=texts,
    order_url=texts,
    proofs=st.lists(proofs, max_size=2).map(tuple),
    solvers=st.lists(solvers, max_size=2).map(tuple),
    wait=st.none() | st.builds(Wait, st.sampled_from(Stage), moments, moments),
)


class Journal(KubeApi):
    """An API server that is one drawer; without HTTP, for many attempts."""

    def __init__(self) -> None:
        self.drawer: dict[str, Any] = {}
        self.version = 40

    def create(self, path: str, body: Any) -> Any:
        assert path == HOME
        return self._put(body)

    def replace(self, path: str, body: Any) -> Any:
        assert path.rpartition("/")[2] == body["metadata"]["name"]
        assert body["metadata"]["resourceVersion"] == str(self.version)
        return self._put(body)

    def get(self, path: str) -> Any:
        return self.drawer.get(path.rpartition("/")[2])

    def _put(self, body: Any) -> Any:
        self.version += 1
        stored = json.loads(json.dumps(body))
        stored["metadata"] |= {"uid": "uid-attempt", "resourceVersion": str(self.version)}
        self.drawer[stored["metadata"]["name"]] = stored
        return stored


@settings(max_examples=40)
@given(attempts, st.lists(proofs, max_size=2).map(tuple), st.lists(solvers, max_size=2).map(tuple))
def test_an_attempt_comes_back_as_it_was_written(
    attempt: Attempt, found: tuple[Proof, ...], chosen: tuple[SolverSpec, ...]
) -> None:
    api = Journal()
    kept = KubeAttempts(api, NAMES, "certwright")
    created = kept.create(attempt)
    assert (created.uid, created.resource_version, created.rank) == ("uid-attempt", "41", 41)
    assert kept.read(attempt.name) == created
    saved = kept.save(created.with_order("https://ca.example/order/1", found, chosen))
    again = kept.read(attempt.name)
    assert again == saved
    assert again is not None
    assert (again.rank, again.resource_version, again.proofs, again.solvers) == (41, "42", found, chosen)
    assert again.private_key.reveal() == attempt.private_key.reveal()


@settings(max_examples=20)
@given(attempts)
def test_the_key_stands_in_its_own_field_and_in_no_repr(attempt: Attempt) -> None:
    api = Journal()
    marked = Attempt(
        **{
            field: getattr(attempt, field) for field in attempt.__dataclass_fields__ if field != "private_key"
        },
        private_key=SecretText("marker-of-the-key"),
    )
    created = KubeAttempts(api, NAMES, "certwright").create(marked)
    assert "marker-of-the-key" not in f"{created} {created!r}"
    (secret,) = api.drawer.values()
    assert b"marker" not in base64.b64decode(secret["data"]["attempt.json"])
    assert base64.b64decode(secret["data"]["tls.key"]) == b"marker-of-the-key"


def test_the_secret_carries_the_label_that_no_watch_selects_and_the_lock_of_its_names(
    server: ScriptedServer, api: KubeApi
) -> None:
    stored = {"metadata": {"uid": "u", "resourceVersion": "9"}}
    server.script(Answer(201, stored))
    KubeAttempts(api, NAMES, "certwright").create(ATTEMPT)
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", HOME)
    assert asked.body["metadata"] | {"uid": "", "resourceVersion": ""} == {
        "name": ATTEMPT.name,
        "namespace": "certwright",
        "labels": {"certwright.dev/secret": "attempt", "certwright.dev/names": ATTEMPT.names_hash},
        "uid": "",
        "resourceVersion": "",
    }
    assert "ownerReferences" not in asked.body["metadata"]


def encoded(text: bytes | str) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def whole() -> dict[str, Any]:
    api = Journal()
    KubeAttempts(api, NAMES, "certwright").create(ATTEMPT)
    found: dict[str, Any] = api.drawer[ATTEMPT.name]
    return found


JOURNAL = json.loads(base64.b64decode(whole()["data"]["attempt.json"]))
DAMAGES = [
    pytest.param(None, id="no data"),
    pytest.param({}, id="nothing in it"),
    pytest.param({"tls.key": encoded("k")}, id="no journal"),
    pytest.param({"attempt.json": encoded(json.dumps(JOURNAL))}, id="no key"),
    pytest.param({"attempt.json": "%%%", "tls.key": encoded("k")}, id="no base64"),
    pytest.param({"attempt.json": encoded("{"), "tls.key": encoded("k")}, id="half a journal"),
    pytest.param({"attempt.json": encoded("[]"), "tls.key": encoded("k")}, id="another shape"),
    pytest.param(
        {"attempt.json": encoded(json.dumps(JOURNAL | {"number": "1"})), "tls.key": encoded("k")},
        id="a text for a number",
    ),
    pytest.param(
        {"attempt.json": encoded(json.dumps(JOURNAL | {"proofs": None})), "tls.key": encoded("k")},
        id="no proofs",
    ),
    pytest.param(
        {"attempt.json": encoded(json.dumps(JOURNAL)), "tls.key": encoded(b"\xff\xfe")}, id="a key of bytes"
    ),
]


@pytest.mark.parametrize("data", DAMAGES)
def test_a_damaged_attempt_is_none(data: object) -> None:
    assert read_attempt(whole() | {"data": data}) is None


@pytest.mark.parametrize("field", sorted(set(JOURNAL) - {"rank", "wait", "wish"}))
def test_every_field_of_the_journal_is_needed(field: str) -> None:
    rest = {key: value for key, value in JOURNAL.items() if key != field}
    data = {"attempt.json": encoded(json.dumps(rest)), "tls.key": encoded("k")}
    assert read_attempt(whole() | {"data": data}) is None


def test_a_note_of_an_earlier_version_tells_of_no_wait() -> None:
    before = {key: value for key, value in JOURNAL.items() if key != "wait"}
    data = {"attempt.json": encoded(json.dumps(before)), "tls.key": encoded("k")}
    read = read_attempt(whole() | {"data": data})
    assert read is not None
    assert read.wait is None


def test_an_attempt_of_a_version_that_knew_of_no_wishes_asked_for_nothing() -> None:
    rest = {key: value for key, value in JOURNAL.items() if key != "wish"}
    found = read_attempt(
        whole() | {"data": {"attempt.json": encoded(json.dumps(rest)), "tls.key": encoded("k")}}
    )
    assert found is not None
    assert found.wish == Wish("", "")


def test_a_field_of_a_later_version_is_passed_over() -> None:
    data = {"attempt.json": encoded(json.dumps(JOURNAL | {"colour": "blue"})), "tls.key": encoded("k")}
    assert read_attempt(whole() | {"data": data}) is not None


def test_damaged_ones_are_left_out_of_lists(server: ScriptedServer, api: KubeApi) -> None:
    server.script(Answer(200, {"items": [whole() | {"data": None}, whole()]}))
    assert len(list(KubeAttempts(api, NAMES, "certwright").list_all())) == 1
    assert server.asked[0].query["labelSelector"] == "certwright.dev/secret=attempt"


def test_rivals_are_the_others_with_the_same_names_at_the_same_account(
    server: ScriptedServer, api: KubeApi
) -> None:
    other = whole()
    other["metadata"] = other["metadata"] | {"uid": "uid-of-another"}
    server.script(Answer(200, {"items": [whole(), other]}))
    mine = read_attempt(whole())
    assert mine is not None
    found = KubeAttempts(api, NAMES, "certwright").rivals(mine)
    assert [each.uid for each in found] == ["uid-of-another"]
    assert server.asked[0].query["labelSelector"] == f"certwright.dev/names={ATTEMPT.names_hash}"


def test_fences_are_the_api_servers(server: ScriptedServer, api: KubeApi) -> None:
    kept = KubeAttempts(api, NAMES, "certwright")
    server.script(refusal(409, "AlreadyExists", "exists"), refusal(409, "Conflict", "modified"))
    with pytest.raises(AlreadyExists):
        kept.create(ATTEMPT)
    with pytest.raises(Conflict):
        kept.save(ATTEMPT)
    assert server.asked[1].body["metadata"]["resourceVersion"] == "9"
    server.script(refusal(404, "NotFound", "gone"))
    kept.delete(ATTEMPT)
    assert server.asked[0].body["preconditions"] == {"uid": "uid-attempt"}
