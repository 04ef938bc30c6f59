"""Token tables: which host answers which token with which key authorization (RFC 8555 §8.3). Pure.

A table is a ConfigMap with a line for each row. The operator writes as many as it needs, the solver pods watch them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, TypeAlias

from certwright.failures import NeedsPerson, TryLater
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from certwright.resources.names import ApiNames

Json: TypeAlias = dict[str, Any]
#: Host and token.
Key: TypeAlias = tuple[str, str]
#: Key authorizations by host and token.
Rows: TypeAlias = Mapping[Key, str]

PREFIX = "certwright-tokens-"
#: Rows a table: a write carries the whole table, and 500 rows are about 80 KB.
MOST_ROWS = 500
#: Of the rows as text; the API server takes 1 MiB of data (Kubernetes, "ConfigMaps").
MOST_BYTES = 900 * 1024

_NAME = re.compile(PREFIX + r"(0|[1-9][0-9]{0,5})")
#: Lower case and exact; colons are IPv6's. Nothing that could end a field, a line or a log entry.
_HOST = re.compile(r"[a-z0-9._:-]{1,253}")
#: "It MUST NOT contain any characters outside the base64url alphabet" (RFC 8555 §8.3).
_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,1024}")
#: Token, dot, thumbprint (RFC 8555 §8.1).
_KEY_AUTHORIZATION = re.compile(r"[A-Za-z0-9_.-]{1,2048}")
_LINE = re.compile(f"({_HOST.pattern}) ({_TOKEN.pattern}) ({_KEY_AUTHORIZATION.pattern})")


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """One proof.

    Attributes:
        host: the name or address that the CA asks, in lower case.
        token: last part of the path that it asks for.
        key_authorization: what it wants to read there.

    Raises:
        NeedsPerson: InvalidSpec, the host is none.
        TryLater: CAError, a token or key authorization that RFC 8555 does not allow.
    """

    host: str
    token: str
    key_authorization: str

    def __post_init__(self) -> None:
        """Nothing that is not a row gets as far as a table."""
        if not _HOST.fullmatch(self.host):
            raise NeedsPerson(
                Reason.INVALID_SPEC.word, f"no CA can ask the host {self.host[:253]!r} over HTTP"
            )
        if not (_TOKEN.fullmatch(self.token) and _KEY_AUTHORIZATION.fullmatch(self.key_authorization)):
            message = f"the CA gave a token for {self.host} that cannot stand in a path: {self.token[:100]!r}"
            raise TryLater(Reason.CA_ERROR.word, message, identifier=self.host)

    @property
    def key(self) -> Key:
        """What a request names."""
        return self.host, self.token


def table_name(index: int) -> str:
    """Name of the ConfigMap."""
    return f"{PREFIX}{index}"


def table_index(name: str) -> int | None:
    """Which table a ConfigMap is, or None if it is not one that we would write."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def table_body(names: ApiNames, namespace: str, index: int, rows: Rows, *, over: Json | None = None) -> Json:
    """The ConfigMap with these rows.

    Args:
        over: the ConfigMap that it replaces: labels and annotations of others are kept, and its version is
            named, so that the API server refuses the write if it has changed.
    """
    metadata: Json = dict(over["metadata"]) if over else {"name": table_name(index), "namespace": namespace}
    metadata.pop("managedFields", None)
    metadata["labels"] = dict(metadata.get("labels") or {}) | {names.table_label: names.tokens}
    text = "".join(sorted(_line(key, value) for key, value in rows.items()))
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"rows": text}}


def decode_rows(body: Mapping[str, Any]) -> dict[Key, str]:
    """The rows of a ConfigMap. A line that is no row is passed over: the others must go on being answered."""
    data = body.get("data")
    text = data.get("rows") if isinstance(data, Mapping) else None
    found: dict[Key, str] = {}
    for line in text.split("\n") if isinstance(text, str) else ():
        if row := _LINE.fullmatch(line):
            found[row[1], row[2]] = row[3]
    return found


def arrange(standing: Mapping[int, Rows], wanted: Rows, *, shrink: bool) -> dict[int, dict[Key, str]]:
    """What each table should hold.

    A row stays where it is; a new one goes to the first table with room. A row in two tables stays in the first.

    Args:
        standing: what the tables hold, by index.
        shrink: False keeps also what nobody wants.
    """
    targets: dict[int, _Target] = {}
    placed: set[Key] = set()
    for index, rows in sorted(standing.items()):
        target = targets.setdefault(index, _Target())
        for key, value in rows.items():
            if not shrink or (key in wanted and key not in placed):
                target.put(key, wanted.get(key, value))
                placed.add(key)
    for key, value in wanted.items():
        if key not in placed:
            spot = next(index for index in count() if index not in targets or targets[index].fits(key, value))
            targets.setdefault(spot, _Target()).put(key, value)
    return {index: target.rows for index, target in targets.items()}


class _Target:
    """One table as it should be."""

    def __init__(self) -> None:
        self.rows: dict[Key, str] = {}
        self._bytes = 0

    def put(self, key: Key, value: str) -> None:
        self.rows[key] = value
        self._bytes += len(_line(key, value))

    def fits(self, key: Key, value: str) -> bool:
        return len(self.rows) < MOST_ROWS and self._bytes + len(_line(key, value)) <= MOST_BYTES


def _line(key: Key, value: str) -> str:
    """All characters are ASCII: as many bytes as characters."""
    return f"{key[0]} {key[1]} {value}\n"
