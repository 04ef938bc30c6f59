"""Environment and flags as one value."""

from __future__ import annotations

import os
from dataclasses import FrozenInstanceError
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest

from certwright.settings import (
    DEFAULT_NAMESPACE,
    Settings,
    completion_seconds,
    https_proxy,
    instance_name,
    kill_point,
    networks,
    own_namespace,
    proxy_exceptions,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_the_namespace_is_what_the_pod_says(tmp_path: Path) -> None:
    file = tmp_path / "namespace"
    file.write_text("operators\n", encoding="utf-8")
    assert own_namespace({}, file) == "operators"
    assert own_namespace({"CERTWRIGHT_NAMESPACE": "mine"}, file) == "mine"


def test_outside_a_pod_it_is_the_usual_one(tmp_path: Path) -> None:
    empty = tmp_path / "namespace"
    empty.write_text("\n", encoding="utf-8")
    assert own_namespace({}, tmp_path / "absent") == DEFAULT_NAMESPACE
    assert own_namespace({"CERTWRIGHT_NAMESPACE": ""}, empty) == DEFAULT_NAMESPACE


def test_two_processes_have_different_names() -> None:
    assert instance_name().endswith(f"-{os.getpid()}")


def test_nobody_crashes_without_being_told_where() -> None:
    assert kill_point({}) == ""
    assert kill_point({"CERTWRIGHT_KILL_AT": "after:finalize:2"}) == "after:finalize:2"


def test_networks_are_read_or_the_wrong_one_is_named() -> None:
    assert networks(("10.0.0.0/8", "::1/128")) == (ip_network("10.0.0.0/8"), ip_network("::1/128"))
    assert networks(()) == ()
    with pytest.raises(ValueError, match="nonsense"):
        networks(("10.0.0.0/8", "nonsense"))


def test_settings_do_not_change_while_the_operator_runs() -> None:
    settings = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.workers = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("environment", "proxy", "exceptions"),
    [
        ({}, None, ""),
        ({"HTTPS_PROXY": "http://a:1", "NO_PROXY": "x"}, "http://a:1", "x"),
        ({"https_proxy": "http://a:1", "no_proxy": "x"}, "http://a:1", "x"),
        ({"https_proxy": "b:1", "HTTPS_PROXY": "a:1", "no_proxy": "y", "NO_PROXY": "x"}, "b:1", "y"),
        ({"HTTPS_PROXY": "", "HTTP_PROXY": "http://a:1"}, None, ""),
    ],
)
def test_the_proxy_has_its_usual_names(
    environment: dict[str, str], proxy: str | None, exceptions: str
) -> None:
    found = https_proxy(environment)
    assert (found.reveal() if found else None) == proxy
    assert proxy_exceptions(environment) == exceptions


def test_a_password_in_the_proxy_is_not_shown() -> None:
    settings = Settings(proxy=https_proxy({"HTTPS_PROXY": "http://me:MARKER@proxy:1"}))
    assert "MARKER" not in repr(settings)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (None, 2.0),
        ("", 2.0),
        ("0.5", 0.5),
        ("60", 60.0),
        ("soon", 2.0),
        ("0", 2.0),
        ("nan", 2.0),
        ("1e9", 2.0),
    ],
)
def test_how_long_a_shell_waits_for_names(given: str | None, seconds: float) -> None:
    environment = {} if given is None else {"CERTWRIGHT_COMPLETION_SECONDS": given}
    assert completion_seconds(environment) == seconds
