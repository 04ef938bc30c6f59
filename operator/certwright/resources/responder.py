"""A solver pod as seen from outside: where it answers the CA, and where it tells about itself. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Family: TypeAlias = Literal["IPv4", "IPv6"]


@dataclass(frozen=True, slots=True, order=True)
class Responder:
    """One address of one ready solver pod; a pod with two address families is two of these.

    Attributes:
        address: IP address in text, IPv6 without brackets.
        port: answers challenges.
        health_port: answers `/served`, `/healthz`, `/readyz` and `/metrics`.
    """

    address: str
    family: Family
    port: int
    health_port: int
