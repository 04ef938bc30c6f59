"""Writing our label and annotations to a target Secret whose certificate is as asked: no order, no new data."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from certwright.failures import NotYet
from certwright.reconcile.stamps import AT_ONCE_IN_A_ROW, next_in_row
from certwright.reconcile.target import our_data, read_target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.reconcile.observed import Observed
    from certwright.reconcile.storing import Storing

log = logging.getLogger(__name__)


def stamp(storing: Storing, seen: Observed, stamps: Mapping[str, str]) -> bool:
    """Write them in one apply that carries the data as it was just read; False if the Secret is another one now.

    Raises:
        NotYet: Certificate or Secret changed meanwhile.
    """
    certificate, uid = seen.certificate, seen.certificate.meta.uid
    where = (certificate.ref.namespace, certificate.spec.secret_name)
    live = storing.secrets.read(*where)
    if live is None or not storing.note_target(seen, live):
        return False
    storing.check_lives(seen)
    storing.checkpoint("before:stamp-secret")
    try:
        written = storing.secrets.stamp_target(live, fields=our_data(live), annotations=stamps)
    except NotYet:
        storing.refresh_target(where)
        raise
    storing.checkpoint("after:stamp-secret")
    storing.cache.put_target(where, read_target(written, storing.names))
    row = next_in_row(storing.memory.restamped(uid), storing.clock())
    storing.memory.put_restamped(uid, row)
    if row.count >= AT_ONCE_IN_A_ROW:
        log.warning(
            "somebody takes our label or annotations away again and again",
            extra={"object": str(certificate.ref), "names": certificate.spec.secret_name},
        )
    return True
