"""The page about Ingresses tells what is so."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from certwright.shim.annotations import ANNOTATIONS
from certwright.shim.ingress import read_ingress
from certwright.shim.plan import Facts, plan
from tests.shim.ingress_page import HEAD, PAGE, with_table
from tests.shim.situations import TLS_ACME

TEXT = PAGE.read_text()
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]


def test_the_table_of_annotations_is_the_codes() -> None:
    assert with_table(TEXT) == TEXT, "run `make format`"
    assert len(re.findall(r"^\| `certwright\.dev/", TEXT, re.MULTILINE)) == len(ANNOTATIONS)
    assert HEAD in TEXT


@pytest.mark.parametrize("body", EXAMPLES, ids=lambda body: str(body["metadata"]["name"]))
def test_every_example_gets_its_certificates_without_a_remark(body: dict[str, Any]) -> None:
    facts = Facts(cluster_issuers={"everybodys-ca": True})
    found = plan(read_ingress(body, TLS_ACME), facts, TLS_ACME)
    assert [each.name for each in found.apply] == [block["secretName"] for block in body["spec"]["tls"]]
    assert found.remarks == ()


def test_there_is_an_example_for_an_issuer_for_all_annotations_and_for_the_default() -> None:
    assert len(EXAMPLES) == 3
