"""The node is closed: what runs in it can harm nobody outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kit.node_guests import NAMESPACE

if TYPE_CHECKING:
    from tests.kit.node import Node

pytestmark = pytest.mark.node

#: Tries addresses that are for documentation (RFC 5737, RFC 3849), so that even a hole would lead nowhere.
_TRY = """
import errno, socket
for family, address in ((socket.AF_INET, "203.0.113.1"), (socket.AF_INET6, "2001:db8::1")):
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.settimeout(5)
        try:
            tried.connect((address, 443))
        except OSError as problem:
            print(errno.errorcode.get(problem.errno, problem))
"""


@pytest.mark.usefixtures("servers")
def test_nothing_in_the_cluster_reaches_beyond_this_machine(node: Node) -> None:
    python = ("--", "/opt/certwright/bin/python", "-c", _TRY)
    told = node.kubectl("exec", f"--namespace={NAMESPACE}", "deployment/nameserver", *python)
    assert told.split() == ["ENETUNREACH", "ENETUNREACH"]
