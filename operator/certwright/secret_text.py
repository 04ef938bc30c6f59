"""Text that cannot print itself: private keys, tokens, credentials."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SecretText:
    """A private key or a token. Reading it takes a word that a reviewer can search for."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text itself; hand it to the library that needs it and to nothing else."""
        return self._text

    def __str__(self) -> str:
        return "[redacted]"

    def __format__(self, format_spec: str) -> str:
        return format(str(self), format_spec)
