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
    instance_name,
    kill_point,
    networks,
    own_namespace,
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
