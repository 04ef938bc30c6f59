"""Log lines: one constant sentence with facts beside it."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import TYPE_CHECKING

import pytest

from certwright.cli.logs import configure_logs
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("certwright.test")


@pytest.fixture(autouse=True)
def _logging_stays_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_of_text_has_time_level_thread_sentence_and_facts(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "text")
    log.info("certificate issued", extra={"object": "Certificate shop/web", "attempt": 2})
    line = capsys.readouterr().err
    front, _, sentence = line.partition(" certificate issued ")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO +\S+", front)
    assert sentence == "object='Certificate shop/web' attempt=2\n"


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("debug", "json")
    log.warning("turn ended\nearly", extra={"reason": "RateLimited", "in": 5})
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    said = json.loads(line)
    assert (said["level"], said["message"], said["reason"], said["in"]) == (
        "warning",
        "turn ended\nearly",
        "RateLimited",
        "5",
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_is_kept(capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure_logs("info", form)
    try:
        int("a bug")
    except ValueError:
        log.exception("turn failed", extra={"object": "x"})
    text = capsys.readouterr().err
    assert "ValueError: invalid literal" in text
    assert "object" in text
    if form == "json":
        assert "ValueError: invalid literal" in json.loads(text)["traceback"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_secret_cannot_be_logged(capsys: pytest.CaptureFixture[str], form: str) -> None:
    configure_logs("debug", form)
    secret = SecretText("marker")
    log.info("here it comes: %s %r", secret, secret, extra={"key": secret})
    assert "marker" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "library", ["urllib3.connectionpool", "kubernetes.client.rest", "kopf.objects", "aiohttp"]
)
def test_libraries_that_show_headers_stay_quiet_at_debug(library: str) -> None:
    configure_logs("debug", "text")
    assert not logging.getLogger(library).isEnabledFor(logging.INFO)
    assert log.isEnabledFor(logging.DEBUG)


@pytest.mark.parametrize("form", ["text", "json"])
def test_of_what_kopf_says_only_the_beginning_of_the_sentence_is_shown(
    capsys: pytest.CaptureFixture[str], form: str
) -> None:
    configure_logs("info", form)
    answer = {"kind": "Status", "message": "x" * 600}
    logging.getLogger("kopf._cogs.clients.api").error(
        "Request attempt #1 failed:\n%r", answer, extra={"settings": "MARKER"}
    )
    said = capsys.readouterr().err
    assert "Request attempt #1 failed: {'kind': 'Status'" in said
    assert "…" in said or r"\u2026" in said
    assert len(said) < 350
    assert said.count("\n") == 1
    assert "MARKER" not in said


def test_other_sentences_are_shown_whole(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "text")
    log.error("x" * 600)
    assert "x" * 600 in capsys.readouterr().err


def test_retries_of_the_http_library_are_not_told() -> None:
    configure_logs("debug", "text")
    assert not logging.getLogger("urllib3.connectionpool").isEnabledFor(logging.WARNING)


def test_everything_goes_to_standard_error() -> None:
    configure_logs("info", "text")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stderr
