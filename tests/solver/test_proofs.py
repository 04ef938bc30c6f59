"""What the CA must see to believe a name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certwright.solver.proofs import dns01_name, dns01_value


def test_apex_and_wildcard_share_one_place() -> None:
    assert dns01_name("example.org") == dns01_name("*.example.org") == "_acme-challenge.example.org"


def test_the_value_is_the_digest_of_the_key_authorization() -> None:
    """Computed by hand: printf %s token.thumbprint | openssl dgst -sha256 -binary | base64, made URL-safe."""
    assert dns01_value("token.thumbprint") == "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I"


@given(st.text())
def test_a_value_is_base64url_of_32_bytes_without_padding(text: str) -> None:
    value = dns01_value(text)
    assert len(value) == 43
    assert value.replace("-", "").replace("_", "").isalnum()
