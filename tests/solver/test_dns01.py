"""The provider that a solver names, with its credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from certwright.failures import NeedsPerson
from certwright.resources.dns01_spec import Dns01Spec, Rfc2136Spec
from certwright.resources.secret_refs import SecretKeyRef
from certwright.secret_text import SecretText
from certwright.solver.dns01 import Dns01

if TYPE_CHECKING:
    from typing import Any

DNS = Dns01(nameservers=(), authoritative_port=53, timeout=timedelta(seconds=1), seconds=lambda: 0.0)


def opened(secret: str, **more: Any) -> None:
    key = SecretKeyRef("dns-key", "tsig")
    rfc2136 = Rfc2136Spec(nameserver="192.0.2.53", tsig_key_name="k", tsig_secret=key, **more)
    DNS.open(Dns01Spec(rfc2136=rfc2136), lambda wanted: SecretText(secret if wanted == key else ""))


def test_a_key_that_cannot_be_used_is_told_with_the_place_where_it_is_kept() -> None:
    opened("c2VjcmV0")
    with pytest.raises(NeedsPerson, match=r'\(Secret dns-key, key "tsig"\)$') as told:
        opened("*** not base64 ***")
    assert told.value.reason == "CredentialInvalid"
    assert "***" not in told.value.message
