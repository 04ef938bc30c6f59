"""What is told where a CA does not offer the profile that is wanted (draft-ietf-acme-profiles)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson
from certwright.resources.conditions import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.failures import Setback

#: Shares of a message: how many profiles are listed, and how much of what the CA says of each.
MOST_LISTED, DESCRIPTION_LIMIT = 12, 60


def unknown_profile(profile: str, advertised: Mapping[str, str]) -> NeedsPerson:
    """The CA does not advertise it: nothing is ordered."""
    return NeedsPerson(
        Reason.UNKNOWN_PROFILE.word,
        f"the CA does not advertise a profile {profile}; {_choice(advertised)}",
    )


def refused_profile(profile: str, said: Setback, advertised: Mapping[str, str]) -> NeedsPerson:
    """The CA was asked for it and refused.

    Args:
        profile: "" where the order named none.
        said: the refusal, with the CA's words.
    """
    of_which = f"of profile {profile}" if profile else "without a profile"
    others = {name: text for name, text in advertised.items() if name != profile}
    # There is nothing to choose or remove where none was named and none is advertised: only the CA's words help.
    told = [f"the CA does not give out certificates {of_which}", _choice(others)] if profile or others else []
    return NeedsPerson(
        Reason.UNKNOWN_PROFILE.word, "; ".join([*told, said.message]), problem_type=said.problem_type
    )


def _choice(advertised: Mapping[str, str]) -> str:
    if not advertised:
        return "it advertises none, so remove spec.profile, and spec.acme.profile of the issuer"
    listed = [
        f"{name}: {_short(description)}" if description else name
        for name, description in list(advertised.items())[:MOST_LISTED]
    ]
    more = f", and {len(advertised) - MOST_LISTED} more" if len(advertised) > MOST_LISTED else ""
    return f"write one that it does ({'; '.join(listed)}{more})"


def _short(description: str) -> str:
    return (
        description if len(description) <= DESCRIPTION_LIMIT else f"{description[: DESCRIPTION_LIMIT - 1]}…"
    )
