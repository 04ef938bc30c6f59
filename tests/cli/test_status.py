"""`certwright status`: the tree, and what is said in the place of a part that is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from certwright.cli.status_tree import Absent, Parts, SecretFacts, status_tree
from certwright.cli.tree import Node, tree
from certwright.pki.leaf import LeafFacts
from certwright.resources.attempt import Proof, Stage, Wait
from certwright.secret_text import SecretText
from tests.cli.golden import ESCAPES, NOW, READY, certificate, condition, failing, on_the_page, ready
from tests.cli.test_listing import certwright, config, server
from tests.kube.scripted_server import Answer, ScriptedServer, refusal
from tests.reconcile.situations import attempt

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["config", "server"]

ISSUER = {
    "spec": {"acme": {"server": "https://acme.example.com/directory"}},
    "status": {"conditions": [condition("Ready", "True", "AccountRegistered", "The account is registered.")]},
}
EVENT = {
    "type": "Normal",
    "reason": "Issued",
    "message": "The certificate was issued.",
    "eventTime": "2026-03-01T11:00:00.000000Z",
}
LEAF = LeafFacts(
    dns_names=frozenset({"web.example.test"}),
    common_name=None,
    not_before=datetime(2026, 1, 31, tzinfo=UTC),
    not_after=datetime(2026, 5, 1, tzinfo=UTC),
    serial_number="5ca1ab1e",
    fingerprint_sha256="",
    issuer_common_name="Example CA",
    public_key_sha256="",
    renewal_id=None,
)
GOOD = Parts(
    certificate=ready("web"),
    issuer=ISSUER,
    secret=SecretFacts(LEAF, has_key=True),
    attempt=None,
    events=[EVENT],
)
NO_SECRETS = 'No permission: secrets "api-tls" is forbidden: User "me" cannot get resource "secrets"'
BAD = Parts(
    certificate=failing(),
    issuer=Absent("does not exist"),
    secret=Absent(NO_SECRETS),
    attempt=None,
    events=[],
)
GOOD_TREE = """\
Certificate shop/web: ready
├─ Names: web.example.test
├─ Ready, Issued, since 2026-03-01T11:00:00Z (1h ago)
│  └─ The certificate is valid until 2026-05-01T00:00:00Z.
├─ Next: renewal at 2026-04-01T00:00:00Z (in 30d)
├─ Issuer ca: https://acme.example.com/directory
│  └─ Ready, AccountRegistered, since 2026-03-01T11:00:00Z (1h ago)
│     └─ The account is registered.
├─ Secret web-tls
│  ├─ Names: web.example.test
│  ├─ Signed by: Example CA
│  ├─ Valid from 2026-01-31T00:00:00Z (29d ago) until 2026-05-01T00:00:00Z (in 60d)
│  ├─ Serial number: 5ca1ab1e
│  └─ tls.key: present
└─ Events
   └─ 1h ago, Normal, Issued: The certificate was issued.
"""
BAD_TREE = """\
Certificate shop/api: not ready
├─ Names: api.example.test
├─ Ready=False, ValidationFailed, since 2026-03-01T11:00:00Z (1h ago)
│  ├─ The target Secret does not exist. The CA could not validate api.example.test by http-01: 192.0.2.7: Connection refused. Next attempt at 2026-03-01T12:20:00Z, attempt 3.
│  └─ To do: Read the CA's sentence in the message; it names what it saw.
├─ Next: another attempt at 2026-03-01T12:20:00Z (in 20m)
├─ Issuer ca: does not exist
├─ Secret api-tls: No permission: secrets "api-tls" is forbidden: User "me" cannot get resource "secrets"
└─ Events: none
"""  # noqa: E501  as it is shown


def test_a_certificate_that_is_well() -> None:
    assert tree(status_tree(GOOD, NOW)) == GOOD_TREE
    assert on_the_page(GOOD_TREE)


def test_a_failing_one_says_why_what_comes_next_and_what_could_not_be_read() -> None:
    assert tree(status_tree(BAD, NOW)) == BAD_TREE
    assert on_the_page(BAD_TREE)


SINCE, UNTIL = NOW - timedelta(minutes=4), NOW + timedelta(hours=1)
TOLD_SINCE = "2026-03-01T11:56:00Z (4m ago)"
TOLD_UNTIL = "it is waited for until 2026-03-01T13:00:00Z (in 1h)"
NO_WAIT = "no wait for the CA of more than a minute so far"
NOT_SEEN = "the CA is told once all proofs can be seen"
CHECKED = "up, and the CA is told of it"


def proof(kind: str, *, wildcard: bool) -> Proof:
    return Proof(
        identifier="web.example.test",
        wildcard=wildcard,
        authorization_url="",
        challenge_url="",
        solver=0,
        value="VALUE",
        type=kind,
        token="TOKEN",  # noqa: S106  it must not be shown
    )


BOTH = (proof("dns-01", wildcard=True), proof("http-01", wildcard=False))


@pytest.mark.parametrize(
    ("wait", "reason", "order", "dns", "http"),
    [
        (None, "Issuing", NO_WAIT, "", ""),
        (None, "AwaitingSolver", "its proofs are being put up", "", ""),
        (None, "AwaitingPropagation", NOT_SEEN, ", put up, not seen everywhere yet", ""),
        (None, "AwaitingReachability", NOT_SEEN, "", ", put up, not reachable yet"),
        (None, "AwaitingValidation", "the CA is checking the names", f", {CHECKED}", f", {CHECKED}"),
        (None, "AwaitingIssuance", "all names are proven, and the CA is signing", ", proven", ", proven"),
        (
            Stage.VALIDATION,
            "AwaitingValidation",
            f"the CA was told of the proofs at {TOLD_SINCE}; {TOLD_UNTIL}",
            f", {CHECKED}",
            f", {CHECKED}",
        ),
        (
            Stage.READINESS,
            "AwaitingIssuance",
            f"all names are proven, and the CA has not said since {TOLD_SINCE} that it is ready; {TOLD_UNTIL}",
            ", proven",
            ", proven",
        ),
        (
            Stage.SIGNING,
            "AwaitingIssuance",
            f"all names are proven, and the CA has been signing since {TOLD_SINCE}; {TOLD_UNTIL}",
            ", proven",
            ", proven",
        ),
    ],
)
def test_an_order_under_way_shows_how_far_it_and_its_challenges_are(
    wait: Stage | None, reason: str, order: str, dns: str, http: str
) -> None:
    under_way = attempt(
        number=2,
        private_key=SecretText("MARKER"),
        started_at=NOW - timedelta(minutes=5),
        order_url="https://acme.example.com/order/1",
        proofs=BOTH,
        wait=Wait(wait, SINCE, UNTIL) if wait else None,
    )
    body = certificate("api", condition("Ready", "False", reason, "It takes long."))
    text = tree(status_tree(replace(BAD, certificate=body, attempt=under_way), NOW))
    shown = f"""\
├─ Attempt 2 since 2026-03-01T11:55:00Z (5m ago)
│  └─ Order https://acme.example.com/order/1: placed; {order}
│     ├─ *.web.example.test: dns-01{dns}
│     └─ web.example.test: http-01{http}
"""
    assert shown in text
    assert on_the_page(shown) is (wait is Stage.VALIDATION)
    for hidden in ("MARKER", "VALUE", "TOKEN"):
        assert hidden not in text


def test_an_order_whose_names_were_all_proven_before_says_so() -> None:
    placed = attempt(started_at=NOW, order_url="https://acme.example.com/order/1", proofs=())
    text = tree(status_tree(replace(BAD, attempt=placed), NOW))
    assert f"/order/1: placed; no name has to be proven anew; {NO_WAIT}\n" in text
    waiting = replace(placed, wait=Wait(Stage.VALIDATION, SINCE, UNTIL))
    text = tree(status_tree(replace(BAD, attempt=waiting), NOW))
    assert (
        f"placed; all names are proven, and the CA has not said since {TOLD_SINCE} that it is ready" in text
    )
    unplaced = tree(status_tree(replace(BAD, attempt=replace(placed, order_url="")), NOW))
    assert "   └─ Order: not placed yet\n" in unplaced.replace("│", " ")


CONFLICT = (
    "Secret api-tls exists and is not overwritten: its content was written by kubectl; choose another secretName, or "
    "hand it over: `kubectl annotate secret --namespace shop api-tls certwright.dev/adopt=true`."
)


def test_a_terminal_gets_its_width_with_words_and_commands_whole() -> None:
    conflict = certificate("api", condition("Ready", "False", "SecretConflict", CONFLICT))
    text = tree(status_tree(replace(BAD, certificate=conflict), NOW), 60)
    assert (
        """\
│  ├─ Secret api-tls exists and is not overwritten: its
│  │  content was written by kubectl; choose another
│  │  secretName, or hand it over: `kubectl annotate secret
│  │  --namespace shop api-tls certwright.dev/adopt=true`.
│  ├─ To do: Choose another secretName, or do what the
│  │  message says to hand over or free the Secret.
│  └─ $ kubectl annotate secret --namespace shop api-tls certwright.dev/adopt=true
"""
        in text
    )
    assert tree(Node("a", (Node("b " * 40, (Node("c"),)),)), 10).splitlines()[:3] == [
        "a",
        "└─ b b b b b b b b b b",
        "   b b b b b b b b b b",
    ]


def test_an_operator_that_does_not_look_is_looked_for() -> None:
    hint = """
├─ {what} not looked at it yet
│  ├─ To do: If this lasts for a minute, see whether the operator runs, and what it logs.
│  └─ $ kubectl get pods --namespace tls
"""
    new = certificate("web", observedGeneration=-1)
    text = tree(status_tree(replace(BAD, certificate=new, operator_namespace="tls"), NOW))
    assert text.startswith("Certificate shop/web: not looked at by the operator yet\n")
    assert hint.format(what="The operator has") in text
    changed = ready("web", observedGeneration=0)
    text = tree(status_tree(replace(GOOD, certificate=changed, operator_namespace="tls"), NOW))
    assert hint.format(what="Its spec was changed, and the operator has") in text
    assert "not looked at" not in tree(status_tree(GOOD, NOW))
    unread = replace(GOOD, issuer={"spec": ISSUER["spec"]})
    assert "directory\n│  └─ Not looked at by the operator yet\n" in tree(status_tree(unread, NOW))


NO_DIRECTORY = "The CA's answer is no ACME directory."


def test_what_to_do_about_an_issuer_is_said_where_it_is_shown() -> None:
    waiting = certificate(
        "api", condition("Ready", "False", "IssuerNotReady", f"Issuer shop/ca is not ready: {NO_DIRECTORY}")
    )
    broken = {
        "spec": ISSUER["spec"],
        "status": {
            "conditions": [
                condition("Ready", "False", "CAError", NO_DIRECTORY),
                condition("Accepted", "True", "Accepted", "The spec is valid."),
            ]
        },
    }
    text = tree(status_tree(replace(BAD, certificate=waiting, issuer=broken), NOW))
    assert text.count("To do: ") == 1
    assert "Issuer shop/ca is not ready: see below.\n" in text
    assert text.count(NO_DIRECTORY) == 1
    assert (
        "no ACME directory.\n│     └─ To do: It is tried again; if it lasts, check spec.acme.server" in text
    )
    assert "Accepted" not in text
    alone = tree(status_tree(replace(BAD, certificate=waiting), NOW))
    assert NO_DIRECTORY in alone
    assert "To do: Mend what the issuer's conditions say." in alone


def test_hostile_text_is_harmless() -> None:
    body = ready("web") | {
        "spec": {"secretName": ESCAPES, "dnsNames": [ESCAPES + "\n"], "issuerRef": {"name": ESCAPES}}
    }
    parts = Parts(
        certificate=body,
        issuer=Absent(ESCAPES),
        secret=Absent(ESCAPES),
        attempt=Absent(ESCAPES),
        events=[EVENT | {"message": ESCAPES}],
    )
    text = tree(status_tree(parts, NOW))
    assert not set(text) & set("\x1b\u202e")
    assert text.count("evil") == 7


def test_parts_are_read_and_a_key_is_never_shown(server: ScriptedServer, config: Path) -> None:
    body: Any = failing()
    body["status"]["attempt"] = {"number": 3, "startedAt": "2026-03-01T12:00:00Z", "reason": "DoesNotExist"}
    secret = {"data": {"tls.crt": "bm9uZQ==", "tls.key": "TUFSS0VS"}}
    refused = refusal(403, "Forbidden", "secrets is forbidden")
    server.script(
        Answer(body=body), Answer(404), Answer(body=secret), refused, Answer(body={"items": [EVENT]})
    )
    done = certwright(config, "status", "api", "-n", "shop")
    assert done.exit_code == 2, done.output
    for line in (
        "Issuer ca: does not exist",
        "tls.crt: missing, or no certificate",
        "tls.key: present",
        "Order and challenges: No permission: secrets is forbidden",
        "Normal, Issued: The certificate was issued.",
    ):
        assert line in done.stdout
    assert "TUFSS0VS" not in done.stdout
    assert "MARKER" not in done.stdout
    assert server.asked[-1].query["fieldSelector"] == "involvedObject.name=api,involvedObject.uid=uid-api"


def test_a_certificate_that_is_not_there_is_said(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(404), Answer(body={"kind": "APIResourceList"}))
    done = certwright(config, "status", "gone", "-n", "shop")
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: Certificate shop/gone does not exist; look in another namespace with -n. If an Ingress asks for it by "
        "annotation, what is wrong there is told by events beside the Ingress: kubectl describe ingress -n shop\n"
    )


def test_a_name_that_is_a_path_asks_no_other_path(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(404), Answer(body={"kind": "APIResourceList"}))
    done = certwright(config, "status", "../secrets/web", "-n", "shop")
    assert done.exit_code == 1
    assert server.asked[0].path.endswith("/namespaces/shop/certificates/..%2Fsecrets%2Fweb")


@pytest.mark.parametrize(
    ("body", "exit_code"),
    [
        (ready("web", notAfter="2099-01-01T00:00:00Z"), 0),
        (ready("expired", notAfter="2026-02-01T00:00:00Z"), 2),
        (failing(), 2),
        (certificate("not looked at"), 2),
        (
            certificate(
                "renewal fails",
                READY,
                condition("RenewalFailing", "True", "CAError", ""),
                notAfter="2099-01-01T00:00:00Z",
            ),
            2,
        ),
    ],
    ids=lambda value: value if isinstance(value, int) else value["metadata"]["name"],
)
def test_whether_it_is_well_is_the_exit_code(
    server: ScriptedServer, config: Path, body: Any, exit_code: int
) -> None:
    server.script(Answer(body=body), Answer(404), Answer(404), Answer(body={"items": []}))
    assert certwright(config, "status", "web", "-n", "shop").exit_code == exit_code
