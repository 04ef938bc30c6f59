"""What stands in a spec or a Secret and cannot work is said before anything is sent."""

from __future__ import annotations

from typing import Any

import dns.tsig
import pytest

from certwright.dns.providers.rfc2136 import Rfc2136
from certwright.dns.providers.tsig import read_key
from certwright.failures import NeedsPerson
from certwright.secret_text import SecretText

GOOD: dict[str, Any] = {
    "nameserver": "192.0.2.1",
    "key_name": "key.example",
    "key_secret": SecretText("c2VjcmV0"),
}


@pytest.mark.parametrize(
    ("changes", "reason", "fix"),
    [
        pytest.param({"nameserver": ""}, "InvalidSpec", "host:port", id="no server"),
        pytest.param({"protocol": "TLS"}, "InvalidSpec", "one of TCP, UDP", id="an unknown protocol"),
        pytest.param({"algorithm": "HMACSHA3"}, "InvalidSpec", "HMACSHA256", id="an unknown algorithm"),
        pytest.param(
            {"key_name": "a" * 64}, "InvalidSpec", "not a domain name", id="a key name that is no name"
        ),
        pytest.param({"key_secret": SecretText("")}, "CredentialInvalid", "not base64", id="an empty secret"),
        pytest.param(
            {"key_secret": SecretText("canary%canary")},
            "CredentialInvalid",
            "not base64",
            id="a secret in clear",
        ),
        pytest.param(
            {"key_secret": SecretText("canär")}, "CredentialInvalid", "not base64", id="a secret beyond ASCII"
        ),
    ],
)
def test_what_cannot_work_is_refused_with_its_fix(changes: dict[str, Any], reason: str, fix: str) -> None:
    with pytest.raises(NeedsPerson) as caught:
        Rfc2136(**GOOD | changes)
    assert caught.value.reason == reason
    assert fix in caught.value.message
    assert "canary" not in caught.value.message


def test_a_key_is_read_as_servers_compare_it() -> None:
    key = read_key("Key.Example", SecretText("c2Vj\ncmV0\n"), "HMACSHA512")
    assert (key.name.to_text(), key.secret, key.algorithm) == (
        "key.example.",
        b"secret",
        dns.tsig.HMAC_SHA512,
    )
