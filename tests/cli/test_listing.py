"""`certwright list`: rows, their selection, and what is shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner, Result

from certwright.cli.certificate_row import Row, expires_within, is_staging, read_row
from certwright.cli.certificate_table import as_json, as_yaml, table
from certwright.cli.main import main
from certwright.resources.condition import write_moment
from tests.cli.golden import ESCAPES, NOW, certificate, condition, failing, on_the_page, ready
from tests.kit.kubeconfig import by_token
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECTORIES = {("shop", "test-ca"): "https://acme-staging.example.com/directory"}


def rows(*bodies: Any) -> list[Row]:
    return [read_row(body, DIRECTORIES, NOW) for body in bodies]


ISSUING = condition("Ready", "False", "Issuing", "Issuing a certificate: the target Secret does not exist.")
SHOP = (ready("web"), failing(), certificate("new", ISSUING, by="test-ca"))

TABLE = """\
NAME   READY   REASON             ISSUER              EXPIRES   RENEWS
web    True    Issued             ca                  in 60d    in 30d
api    False   ValidationFailed   ca                  -         -
new    False   Issuing            test-ca (staging)   -         -
"""
WIDE = """\
NAMESPACE   NAME   READY   REASON             ISSUER   EXPIRES   RENEWS   SECRET    CA           NEXT ATTEMPT   NAMES
shop        web    True    Issued             ca       in 60d    in 30d   web-tls   Example CA   -              web.example.test
shop        api    False   ValidationFailed   ca       -         -        api-tls   -            in 20m         api.example.test
"""  # noqa: E501  as it is shown
JSON = """\
{
  "certificates": [
    {
      "namespace": "shop",
      "name": "web",
      "ready": "True",
      "reason": "Issued",
      "message": "The certificate is valid until 2026-05-01T00:00:00Z.",
      "failing": false,
      "staging": false,
      "issuer": {
        "kind": "Issuer",
        "name": "ca",
        "commonName": "Example CA"
      },
      "secretName": "web-tls",
      "dnsNames": [
        "web.example.test"
      ],
      "notAfter": "2026-05-01T00:00:00Z",
      "renewalTime": "2026-04-01T00:00:00Z",
      "nextAttemptTime": null
    }
  ]
}
"""


def test_a_table_for_people() -> None:
    assert table(rows(*SHOP), NOW, namespaces=False, wide=False, colour=False) == TABLE
    assert on_the_page(TABLE)


def test_a_wide_table_of_all_namespaces() -> None:
    assert table(rows(*SHOP[:2]), NOW, namespaces=True, wide=True, colour=False) == WIDE
    assert on_the_page(WIDE)


def test_fields_for_machines() -> None:
    assert as_json(rows(SHOP[0])) == JSON
    assert on_the_page(JSON)


@pytest.mark.parametrize(
    "text", ["plain", "\U0001f512\U0001f512 é", 'a\x7f"b\\ud83d\\udd12\n\t', ": - {x}", "null"]
)
def test_yaml_says_the_same_as_json(text: str) -> None:
    listed = rows(*SHOP, certificate(text, condition("Ready", "False", "CAError", text)))
    assert yaml.safe_load(as_yaml(listed)) == json.loads(as_json(listed))
    assert as_yaml(listed).isascii()
    assert yaml.safe_load(as_yaml([])) == json.loads(as_json([])) == {"certificates": []}


def test_colours_are_shown_where_they_are_wanted_and_change_no_column() -> None:
    shown = table(rows(*SHOP), NOW, namespaces=False, wide=False, colour=True)
    for code in ("\x1b[32m", "\x1b[31m", "\x1b[0m"):
        assert code in shown
        shown = shown.replace(code, "")
    assert shown == TABLE


def test_hostile_text_is_harmless_in_every_form() -> None:
    body = certificate("web", condition("Ready", "False", ESCAPES, ESCAPES), by=ESCAPES)
    body["metadata"]["name"] = f"a{ESCAPES}\nb\x7f\x9b"
    (row,) = rows(body)
    forms = [table([row], NOW, namespaces=True, wide=True, colour=False), as_json([row]), as_yaml([row])]
    for text in forms:
        assert not set(text) & set("\x1b\u202e\x7f\x9b\r")
        assert "evil" in text
    assert len(forms[0].splitlines()) == 2


@pytest.mark.parametrize(
    "body", [{}, {"metadata": 1, "spec": [], "status": {"conditions": [7, {"type": 1}]}}]
)
def test_an_object_without_sense_is_a_row_all_the_same(body: Any) -> None:
    (row,) = rows(body)
    assert row.ready == "Unknown"


@pytest.mark.parametrize(
    ("directory", "common_name", "staging"),
    [
        ("https://acme-staging-v02.api.letsencrypt.org/directory", "", True),
        ("https://acme.example.com/staging", "", False),
        ("", "(STAGING) Pseudo Plum E5", True),
        ("", "Fake LE Intermediate X1", True),
        ("", "Fakenham Trust CA", False),
        ("https://[broken", "R11", False),
    ],
)
def test_staging_cas_are_known(directory: str, common_name: str, staging: bool) -> None:  # noqa: FBT001
    assert is_staging(directory, common_name) is staging


@pytest.mark.parametrize(
    ("body", "looked_at"),
    [
        (ready("fine"), False),
        (certificate("being issued", ISSUING), False),
        (failing(), True),
        (certificate("without issuer", condition("Ready", "False", "IssuerNotFound", "")), True),
        (
            certificate(
                "renewal fails",
                ready("x")["status"]["conditions"][0],
                condition("RenewalFailing", "True", "CAError", ""),
            ),
            True,
        ),
        (ready("over", notAfter="2026-02-01T00:00:00Z"), True),
        (certificate("never looked at"), True),
    ],
    ids=lambda value: value["metadata"]["name"] if isinstance(value, dict) else "",
)
def test_failing_are_those_at_which_a_person_should_look(body: Any, looked_at: bool) -> None:  # noqa: FBT001
    assert rows(body)[0].failing is looked_at


def test_what_is_over_is_not_ready_whatever_its_status_says() -> None:
    (row,) = rows(ready("web", notAfter="2026-02-27T12:00:00Z"))
    assert (row.ready, row.reason) == ("False", "Expired")
    assert "2d ago" in table([row], NOW, namespaces=False, wide=False, colour=False)


def test_expiring_are_those_whose_end_is_near_or_past() -> None:
    (row,) = rows(ready("web"))
    assert not expires_within(row, timedelta(days=60), NOW)
    assert expires_within(row, timedelta(days=61), NOW)


# The command, against a server that answers from a list


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.stop()


def kubeconfig(file: Path, url: str, **context: str) -> Path:
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": by_token("token")}],
        "contexts": [
            {"name": "plain", "context": {"cluster": "c", "user": "me"}},
            {"name": "shop", "context": {"cluster": "c", "user": "me", "namespace": "shop"}},
        ],
        "current-context": "plain",
    } | context
    file.write_text(json.dumps(content))
    return file


@pytest.fixture
def config(server: ScriptedServer, tmp_path: Path) -> Path:
    return kubeconfig(tmp_path / "config", server.url)


def certwright(config: Path, *arguments: str) -> Result:
    return CliRunner(env={"KUBECONFIG": str(config)}).invoke(main, arguments)


EMPTY = Answer(body={"items": []})


def test_pages_are_asked_one_after_another(server: ScriptedServer, config: Path) -> None:
    server.script(
        EMPTY,
        EMPTY,
        Answer(body={"items": [SHOP[0]], "metadata": {"continue": "more"}}),
        Answer(body={"items": [SHOP[1]]}),
    )
    done = certwright(config, "list", "-A", "-o", "json")
    assert done.exit_code == 0, done.output
    assert [each["name"] for each in json.loads(done.stdout)["certificates"]] == ["web", "api"]
    assert [asked.query.get("continue") for asked in server.asked[2:]] == [None, "more"]
    assert {asked.query["limit"] for asked in server.asked} == {"500"}
    assert server.asked[2].path == "/apis/certwright.dev/v1/certificates"


@pytest.mark.parametrize(
    ("options", "namespace"), [([], "default"), (["--context", "shop"], "shop"), (["-n", "other"], "other")]
)
def test_the_namespace_is_that_of_the_context_or_the_one_that_is_named(
    server: ScriptedServer, config: Path, options: list[str], namespace: str
) -> None:
    server.script(EMPTY, EMPTY, EMPTY)
    done = certwright(config, "list", *options)
    assert (done.exit_code, done.stderr) == (0, f"No Certificates in namespace {namespace}.\n")
    assert server.asked[2].path == f"/apis/certwright.dev/v1/namespaces/{namespace}/certificates"


FORBIDDEN = refusal(403, "Forbidden", "certificates is forbidden: User \x1b[2J may not list")


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (
            (FORBIDDEN, FORBIDDEN, FORBIDDEN),
            "No permission: certificates is forbidden: User \\x1b[2J may not list",
        ),
        (
            (Answer(404, b"404 page not found"),),
            "does not know Certificates of certwright.dev: install the CRDs",
        ),
        ((refusal(401, "Unauthorized", "Unauthorized"),), "does not accept the kubeconfig's credentials"),
        ((Answer(None), Answer(None)), "cannot be reached"),
    ],
)
def test_an_answer_that_is_none_is_a_sentence(
    server: ScriptedServer, config: Path, answers: tuple[Answer, ...], sentence: str
) -> None:
    server.script(*answers)
    done = certwright(config, "list")
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.output


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = certwright(kubeconfig(tmp_path / "config", "http://127.0.0.1:9"), "list")
    assert done.exit_code == 1
    assert "The API server http://127.0.0.1:9 cannot be reached" in done.stderr


def test_a_kubeconfig_or_context_that_is_not_there_is_named(tmp_path: Path, config: Path) -> None:
    done = certwright(tmp_path / "none", "list")
    assert (done.exit_code, "none does not exist; name another file" in done.stderr) == (1, True)
    done = certwright(config, "list", "--context", "nowhere")
    assert (done.exit_code, "nowhere" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("options", "exit_code"),
    [
        ([], 0),
        (["-o", "json"], 0),
        (["--failing"], 2),
        (["--expiring", "1d"], 0),
        (["--expiring", "9999d"], 2),
        (["--expiring", "9999d", "-o", "json"], 2),
    ],
)
def test_that_something_expires_or_fails_is_exit_code_2_where_it_was_asked(
    server: ScriptedServer, config: Path, options: list[str], exit_code: int
) -> None:
    in_60_days = write_moment(datetime.now(UTC) + timedelta(days=60))
    good = ready("web", notAfter=in_60_days)
    server.script(EMPTY, EMPTY, Answer(body={"items": [good, failing()]}))
    assert certwright(config, "list", *options).exit_code == exit_code


@pytest.mark.parametrize(
    "arguments", [["list", "--expiring", "soon"], ["list", "-o", "xml"], ["lists"], ["--colour"], []]
)
def test_wrong_use_is_told_with_exit_code_1(config: Path, arguments: list[str]) -> None:
    done = certwright(config, *arguments)
    assert done.exit_code == 1
    assert "Usage: " in done.stderr
