"""Books: ledgers as this process writes them. Gates and names that fail share one for each account."""

from __future__ import annotations

import logging
from threading import Lock
from typing import TYPE_CHECKING

from certwright.failures import Setback
from certwright.resources.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable

    from certwright.reconcile.ports import Ledgers, Wake
    from certwright.resources.ledger import FailingName, Hold
    from certwright.resources.names import Ref

log = logging.getLogger(__name__)


class Books:
    """Reads all ledgers at the begin of a term, and writes each whole when something in it changed.

    Args:
        holds, failing: what belongs into the ledger of a holder now.
    """

    def __init__(
        self,
        ledgers: Ledgers,
        wake: Wake,
        *,
        holds: Callable[[str], tuple[Hold, ...]],
        failing: Callable[[str], tuple[FailingName, ...]],
    ) -> None:
        self._ledgers = ledgers
        self._wake = wake
        self._holds = holds
        self._failing = failing
        self._lock = Lock()
        self._writing = Lock()
        self._versions: dict[str, str] = {}
        self._tellers: dict[str, set[Ref]] = {}

    def read(self) -> list[Ledger]:
        """All that there are.

        Raises:
            Setback: they could not be read.
        """
        ledgers = self._ledgers.read_all()
        with self._lock:
            self._versions = {ledger.holder: ledger.version for ledger in ledgers}
        return ledgers

    def write(self, holder: str) -> None:
        """Write a ledger as it is now, and have the issuers whose status tells of it say what changed."""
        with self._writing:
            version = self._versions.get(holder, "")
            ledger = Ledger(holder, self._holds(holder), version, self._failing(holder))
            try:
                written = self._ledgers.write(ledger)
            except Setback as setback:
                # What is held is held as long as this process lives; after it a request more is sent.
                log.warning("a hold could not be written down", extra={"why": setback.message})
            else:
                with self._lock:
                    self._versions[holder] = written.version
        with self._lock:
            tellers = list(self._tellers.get(holder, ()))
        for issuer in tellers:
            self._wake(issuer)

    def watch(self, holder: str, issuer: Ref) -> None:
        """The status of an issuer tells what stands in this ledger."""
        with self._lock:
            self._tellers.setdefault(holder, set()).add(issuer)

    def forget(self, issuer: Ref) -> None:
        """The issuer is gone."""
        with self._lock:
            for tellers in self._tellers.values():
                tellers.discard(issuer)
            self._tellers = {holder: tellers for holder, tellers in self._tellers.items() if tellers}
