"""`certwright suspend` and `certwright resume`: what they write, and what they say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.golden import on_the_page, ready
from tests.cli.test_listing import certwright, config, server
from tests.cli.test_renewing import FORBIDDEN, GROUP, suspended
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["config", "server"]

SUSPENDED = """\
Certificate shop/web: suspended.
Nothing is done for a suspended Certificate, not even a renewal: what is in its Secret stays, and expires if that lasts.
Where a GitOps tool keeps the Certificate, its next sync may take this back: write `suspend: true` in its source too.
"""
RESUMED = """\
Certificate shop/web: resumed.
Where a GitOps tool keeps the Certificate, its next sync may take this back: remove `suspend` in its source too.
"""


@pytest.mark.parametrize(
    ("command", "before", "text"),
    [("suspend", ready("web"), SUSPENDED), ("resume", suspended("web"), RESUMED)],
)
def test_it_writes_one_field_and_says_what_that_means(
    server: ScriptedServer, config: Path, command: str, before: Any, text: str
) -> None:
    server.script(Answer(body=before), Answer(body=before))
    done = certwright(config, command, "web", "-n", "shop")
    assert (done.exit_code, done.stdout, done.stderr) == (0, text, "")
    assert on_the_page(text)
    patch = {"spec": {"suspend": True if command == "suspend" else None}}
    assert (server.asked[-1].method, server.asked[-1].body) == ("PATCH", patch)


@pytest.mark.parametrize(
    ("command", "before", "text"),
    [("suspend", suspended("web"), "already suspended"), ("resume", ready("web"), "not suspended")],
)
def test_what_is_so_already_is_said_and_not_written(
    server: ScriptedServer, config: Path, command: str, before: Any, text: str
) -> None:
    server.script(Answer(body=before))
    done = certwright(config, command, "web", "-n", "shop")
    assert (done.exit_code, done.stdout) == (0, f"Certificate shop/web: {text}.\n")
    assert len(server.asked) == 1


def test_of_all_only_those_that_differ_are_written(server: ScriptedServer, config: Path) -> None:
    both = Answer(body={"items": [suspended("web"), ready("api")]})
    for command, name in (("suspend", "api"), ("resume", "web")):
        server.script(both, Answer(body=ready("x")))
        done = certwright(config, command, "--all", "-n", "shop")
        assert done.exit_code == 0
        assert server.asked[-1].path.endswith(f"/certificates/{name}")
    server.script(Answer(body={"items": [ready("api")]}))
    done = certwright(config, "resume", "--all", "-n", "shop")
    assert (done.exit_code, done.stderr) == (0, "No such Certificates that are suspended.\n")


def test_a_dry_run_says_what_would_be(server: ScriptedServer, config: Path) -> None:
    server.script(Answer(body=ready("web")), Answer(body=ready("web")))
    done = certwright(config, "suspend", "web", "-n", "shop", "--dry-run")
    assert (done.exit_code, done.stdout) == (0, "Certificate shop/web: would be suspended.\n")
    assert server.asked[-1].query["dryRun"] == "All"


def test_what_goes_wrong_is_told(server: ScriptedServer, config: Path) -> None:
    gone = (Answer(404, {}), GROUP)
    server.script(Answer(body=ready("web")), *gone, refusal(403, "Forbidden", FORBIDDEN))
    done = certwright(config, "suspend", "web", "gone", "-n", "shop")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Certificate shop/gone does not exist\n" in done.stderr
    assert "certwright-requester" in done.stderr


@pytest.mark.parametrize("command", ["renew", "suspend"])
def test_whoever_means_all_at_a_terminal_says_so_twice(
    server: ScriptedServer, config: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr("certwright.cli.selection.at_terminal", lambda: True)
    server.script(Answer(body={"items": [ready("web"), ready("api")]}))
    refused = certwright(config, command, "--all")
    assert refused.exit_code == 1
    assert f"{command.capitalize()} 2 Certificates" in refused.stderr
    assert len(server.asked) == 1
    server.script(Answer(body={"items": [ready("web")]}), Answer(body=ready("web")))
    assert certwright(config, command, "--all", "--yes").exit_code == 0
