"""The update policy that crds/WILDCARD.md shows lets a real BIND take the record of the proof, and nothing else."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import pytest

from certwright.dns.provider import TxtRecord
from certwright.failures import NeedsPerson
from tests.dns.test_rfc2136 import provider_of
from tests.kit.bind9 import find_named, start_bind9
from tests.kit.pages import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.servers,
    pytest.mark.skipif(
        find_named() is None and not os.environ.get("CI"),
        reason="BIND is not installed (Debian: apt-get install bind9)",
    ),
]

PAGE = (ROOT / "crds" / "WILDCARD.md").read_text()


def test_the_key_can_write_the_record_of_the_proof_and_nothing_else(tmp_path: Path) -> None:
    (shown,) = re.findall(r"update-policy \{ grant certwright ([^;]+); \};", PAGE)
    server = start_bind9(tmp_path, ["example.test"], policy=shown.replace("example.com", "example.test"))
    try:
        provider = provider_of(server)
        record = TxtRecord("_acme-challenge.example.test", "proof-of-the-wildcard")
        provider.ensure_txt(record)
        assert server.txt(record.fqdn) == {record.value}
        provider.remove_txt(record)
        assert server.txt(record.fqdn) == set()
        for fqdn in ("example.test", "www.example.test", "_acme-challenge.www.example.test"):
            with pytest.raises(NeedsPerson) as refused:
                provider.ensure_txt(TxtRecord(fqdn, "x"))
            assert refused.value.reason == "DNSUpdateRefused"
    finally:
        server.stop()
