"""DNS-01 within an attempt: what is refused of a credential is read again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from certwright.failures import NeedsPerson
from certwright.reconcile.credentials import Credentials
from certwright.reconcile.dns01_prover import Dns01Prover
from certwright.resources.dns01_spec import Dns01Spec, Rfc2136Spec
from certwright.resources.names import Ref
from certwright.resources.secret_refs import SecretKeyRef
from certwright.resources.solver_spec import SolverSpec
from certwright.solver.dns01 import Dns01
from tests.reconcile.fakes import NAMES, Clock, FakeSecrets

#: Its Secrets need no label, so that no watch tells of a change.
ISSUER = Ref("ClusterIssuer", "", "ca")
KEY = SecretKeyRef("tsig", "secret")
SOLVER = SolverSpec(
    dns01=Dns01Spec(rfc2136=Rfc2136Spec(nameserver="192.0.2.53", tsig_key_name="k", tsig_secret=KEY))
)


def test_a_key_that_is_no_base64_is_read_again_at_the_next_look() -> None:
    clock, secrets = Clock(), FakeSecrets()
    prover = Dns01Prover(
        dns01=Dns01(
            nameservers=("192.0.2.53",),
            authoritative_port=53,
            timeout=timedelta(seconds=1),
            seconds=lambda: 0.0,
        ),
        credentials=Credentials(secrets, NAMES, "certwright", clock),
        clock=clock,
        checkpoint=lambda _: None,
    )
    secrets.put("certwright", "tsig", {"secret": "not base64!"})
    with pytest.raises(NeedsPerson, match="is not base64"):
        prover.check(ISSUER, SOLVER)
    secrets.put("certwright", "tsig", {"secret": "c2VjcmV0"})
    prover.check(ISSUER, SOLVER)
