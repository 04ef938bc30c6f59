"""What the reconcilers need of the cluster: small Protocols, fitted by `kube/`, introduced by `app.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from certwright.resources.attempt import Attempt
    from certwright.resources.ledger import Ledger
    from certwright.resources.metadata import Metadata
    from certwright.resources.names import Ref
    from certwright.secret_text import SecretText

Json: TypeAlias = dict[str, Any]
#: Aware UTC now; only `app.py` knows a real one.
Clock: TypeAlias = Callable[[], datetime]
#: Monotonic seconds, for deadlines within a turn.
Seconds: TypeAlias = Callable[[], float]
#: A number in [0, 1).
Dice: TypeAlias = Callable[[], float]
#: Called with the name of a point before and after each external call, so that tests can kill the process there.
Checkpoint: TypeAlias = Callable[[str], None]
#: Puts a key into the work queue.
Wake: TypeAlias = Callable[["Ref"], None]


class Objects(Protocol):
    """Certificates and issuers."""

    def read(self, ref: Ref) -> Json | None:
        """The live object, or None."""

    def write_status(
        self, ref: Ref, meta: Metadata, status: Json, *, unchanged: Callable[[object], bool]
    ) -> Json | None:
        """Write the whole status of the object with this UID; None if it is gone or was replaced.

        Args:
            unchanged: whether a live status says what the one said that the new one was reckoned from.

        Raises:
            NotYet: somebody else wrote the status meanwhile.
        """


class Secrets(Protocol):
    """Secrets that Certificates and issuers name."""

    def read(self, namespace: str, name: str) -> Json | None:
        """The live Secret, or None."""

    def apply_target(
        self,
        *,
        namespace: str,
        name: str,
        data: Mapping[str, str],
        key: SecretText,
        annotations: Mapping[str, str],
        replaces: tuple[str, str] | None,
    ) -> Json:
        """Write key and chain in one apply; raises NotYet if the Secret is not the one that was seen."""

    def stamp_target(self, secret: Json, *, fields: Collection[str], annotations: Mapping[str, str]) -> Json:
        """Write label and annotations in one apply; raises NotYet if `secret` is not what stands there now."""

    def create_account_key(
        self, *, namespace: str, name: str, field: str, key: SecretText, directory: str
    ) -> Json | None:
        """Make the Secret of a new account key for a directory; None if there is one of this name."""

    def replace_account_key(self, secret: Json, *, field: str, key: SecretText) -> Json:
        """Put another key in place of one that we made; raises NotYet if `secret` is not what stands there now."""


class Attempts(Protocol):
    """Attempt Secrets."""

    def create(self, attempt: Attempt) -> Attempt:
        """Make it; raises NotYet if there is one of this name."""

    def save(self, attempt: Attempt) -> Attempt:
        """Write it over the version it was made from; raises NotYet if that is not the present one."""

    def delete(self, attempt: Attempt) -> None:
        """Remove it; gone already is success."""

    def read(self, name: str) -> Attempt | None:
        """The live attempt of this name, or None."""

    def list_all(self) -> Iterator[Attempt]:
        """All that there are."""

    def rivals(self, attempt: Attempt) -> list[Attempt]:
        """Other attempts for the same names at the same account, live."""


class Ledgers(Protocol):
    """Ledgers: what CAs asked to hold back."""

    def read_all(self) -> list[Ledger]:
        """All that there are and can be read."""

    def write(self, ledger: Ledger) -> Ledger:
        """Write it over whatever stands there; returns it with its version."""


class Events(Protocol):
    """Events beside an object."""

    def post(
        self, ref: Ref, meta: Metadata, *, warning: bool, reason: str, message: str, action: str
    ) -> None:
        """Tell what happened to an object."""
