"""What shells and kubectl complete: pure words, names from a cluster, and the scripts in real shells."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import CompletionItem
from click.testing import CliRunner

from certwright.cli.completion import candidates, told_to_kubectl
from certwright.cli.live_names import fitting, soon
from certwright.cli.main import COMMANDS, main
from tests.cli.test_listing import config, kubeconfig, server
from tests.kube.scripted_server import Answer, ScriptedServer, refusal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["config", "server"]


def completed(line: str) -> list[str]:
    """Candidates for the last word of a line; a line that ends in a space begins a new one."""
    *words, incomplete = line.split(" ")
    return [each.value for each in candidates(words, incomplete)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", list(COMMANDS)),
        ("st", ["status"]),
        ("ver", ["version"]),
        ("nothing", []),
        ("--ver", ["--version"]),
        ("list --exp", ["--expiring"]),
        ("list -o ", ["table", "wide", "json", "yaml"]),
        ("list --output js", ["json"]),
        ("list --output=js", ["json"]),
        ("wait web --f", ["--for"]),
        ("completion ", ["bash", "zsh", "fish"]),
        ("completion z", ["zsh"]),
        ("version ", []),
        ("nothing --f", []),
    ],
)
def test_words_that_no_cluster_is_asked_for(line: str, found: list[str]) -> None:
    assert completed(line) == found


def installed(folder: Path) -> str:
    """A PATH that has the programs as an installation puts them there."""
    folder.mkdir()
    for name, module, function in (
        ("certwright", "main", "main"),
        ("kubectl-certwright", "main", "main"),
        ("kubectl_complete-certwright", "completion", "for_kubectl"),
    ):
        program = folder / name
        program.write_text(
            f"#!{sys.executable}\nfrom certwright.cli.{module} import {function}\n{function}()\n"
        )
        program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.fixture
def known(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted server is the one that this process reaches, however long that takes on a busy machine."""
    monkeypatch.setenv("KUBECONFIG", str(config))
    monkeypatch.setenv("CERTWRIGHT_COMPLETION_SECONDS", "60")


NAMES = Answer(body={"items": [{"metadata": {"name": each}} for each in ("web", "api", "www")]})


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    ("line", "found", "path"),
    [
        ("status ", ["api", "web", "www"], "/apis/certwright.dev/v1/namespaces/default/certificates"),
        ("status w", ["web", "www"], "/apis/certwright.dev/v1/namespaces/default/certificates"),
        ("status -n shop we", ["web"], "/apis/certwright.dev/v1/namespaces/shop/certificates"),
        ("wait --namespace=shop a", ["api"], "/apis/certwright.dev/v1/namespaces/shop/certificates"),
        ("wait --context shop a", ["api"], "/apis/certwright.dev/v1/namespaces/shop/certificates"),
        ("list -n ", ["api", "web", "www"], "/api/v1/namespaces"),
        ("status --namespace=w", ["web", "www"], "/api/v1/namespaces"),
    ],
)
def test_names_are_those_of_the_cluster(
    server: ScriptedServer, line: str, found: list[str], path: str
) -> None:
    server.script(NAMES)
    assert completed(line) == found
    assert server.asked[0].path == path
    assert server.asked[0].query["limit"] == "500"


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "answers",
    [(refusal(403, "Forbidden", "no"),), (Answer(404),), (Answer(None), Answer(None)), (Answer(body={}),)],
)
def test_a_cluster_that_says_no_completes_nothing_and_says_nothing(
    server: ScriptedServer, capfd: pytest.CaptureFixture[str], answers: tuple[Answer, ...]
) -> None:
    server.script(*answers)
    assert completed("status ") == []
    assert capfd.readouterr() == ("", "")


def test_a_cluster_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"http://127.0.0.1:{silent.getsockname()[1]}"
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path / "config", place)))
        begun = time.monotonic()
        assert completed("status ") == []
        assert time.monotonic() - begun < 10  # the command itself would wait for 15 s


def test_a_part_of_the_names_is_not_taken_for_all() -> None:
    hold, read = threading.Event(), threading.Event()

    def names() -> list[str]:
        read.set()
        hold.wait(60)
        return ["web"]

    assert soon(names, 0.05) == []
    assert read.wait(60)
    hold.set()
    assert soon(lambda: ["web"], 60) == ["web"]


def test_nothing_that_a_shell_would_expand_is_given_to_it() -> None:
    assert fitting(["web", "*", "$(id)", "a b", "-n", "web.example", ""], "") == ["web", "web.example"]


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([], ":4\n"),
        ([CompletionItem("web"), CompletionItem("api")], "web\napi\n:4\n"),
        ([CompletionItem("--for", help="What\n for.")], "--for\tWhat for.\n:4\n"),
        ([CompletionItem("x", type="file")], ":0\n"),
    ],
)
def test_what_kubectl_is_told(found: list[CompletionItem[str]], text: str) -> None:
    assert told_to_kubectl(found) == text


@pytest.fixture
def programs(config: Path, tmp_path: Path) -> dict[str, str]:
    """An environment with the programs, which reach the scripted server."""
    return os.environ | {
        "PATH": installed(tmp_path / "bin"),
        "KUBECONFIG": str(config),
        "CERTWRIGHT_COMPLETION_SECONDS": "60",
        "HOME": str(tmp_path),
    }


BASH = """
source <(certwright completion bash)
complete -p certwright
COMP_WORDS=(certwright status -n shop w) COMP_CWORD=4
_certwright_completion certwright
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
autoload -U compinit && compinit -u -D
source <(certwright completion zsh)
whence -w _certwright_completion
print -r -- $_comps[certwright]
"""
FISH = """
certwright completion fish | source
complete --do-complete 'certwright status -n shop w'
"""


@pytest.mark.parametrize(
    ("shell", "script", "said"),
    [
        ("bash", BASH, "complete -o nosort -F _certwright_completion certwright\nweb\nwww\n"),
        ("zsh", ZSH, "_certwright_completion: function\n_certwright_completion\n"),
        ("fish", FISH, "web\nwww\n"),
    ],
)
def test_the_script_works_in_the_shell(
    server: ScriptedServer, programs: dict[str, str], shell: str, script: str, said: str
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    server.script(NAMES)
    done = subprocess.run(
        [shell, "-c", script], env=programs, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_the_program_for_kubectl_takes_words_as_kubectl_gives_them(
    server: ScriptedServer, programs: dict[str, str]
) -> None:
    server.script(NAMES)
    command = [shutil.which("kubectl_complete-certwright", path=programs["PATH"]) or "", "status", "w"]
    done = subprocess.run(command, env=programs, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "web\nwww\n:4\n", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_help_gives_each_shell_its_own_script(shell: str) -> None:
    text = " ".join(CliRunner().invoke(main, ["completion", "--help"]).output.split())
    _, _, after = text.partition(f"{shell}: " if shell != "zsh" else "zsh, after compinit: ")
    assert f"certwright completion {shell}" in after.partition(". ")[0]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_printed_without_the_shell(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    done = CliRunner().invoke(main, ["completion", shell])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "_CERTWRIGHT_COMPLETE" in done.stdout
