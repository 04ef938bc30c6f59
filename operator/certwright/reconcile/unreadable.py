"""Saying of an object that its spec cannot be understood, without touching what it made before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.resources.certificate import read_certificate, status_to_dict
from certwright.resources.condition import Condition
from certwright.resources.conditions import Reason, sentence

if TYPE_CHECKING:
    from datetime import datetime

    from certwright.reconcile.cache import Cache
    from certwright.reconcile.ports import Objects
    from certwright.resources.metadata import Unreadable
    from certwright.resources.names import ApiNames
