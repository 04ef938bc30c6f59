"""Which of the chains that a CA offers for a certificate is stored (RFC 8555 §7.4.2).

The one that leads to the preferred CA certificate, else the CA's own choice; nothing that an alternate does can
harm a good answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.failures import NeedsPerson, TryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from certwright.acme.messages import ChainOffer
    from certwright.pki.chain import VerifiedChain


@dataclass(frozen=True, slots=True)
class Choice:
    """The chain that is stored.

    Attributes:
        remark: what the user should know about it, or "".
    """

    chain: VerifiedChain
    remark: str = ""


def chosen_chain(
    offer: ChainOffer,
    preferred: str,
    *,
    fetch: Callable[[str], str],
    verify: Callable[[str], VerifiedChain],
) -> Choice:
    """Choose; alternates are only asked for where the CA's own choice is not good enough.

    Args:
        preferred: common name of the topmost issuer, or "".
        fetch: the PEM of an alternate by its address.
        verify: an answer as a chain.

    Raises:
        TryLater: nothing that was offered can be used; says what is wrong with the CA's own choice.
    """
    good: list[VerifiedChain] = []
    flaw: TryLater | None = None
    try:
        good.append(verify(offer.pem))
    except TryLater as unusable:
        flaw = unusable
    if not good or not _is_best(good[0], preferred):
        for chain in _alternates(offer, fetch, verify):
            good.append(chain)
            if _is_best(chain, preferred):
                break
    if not good:
        raise flaw or AssertionError("an answer is either good or has a flaw")
    # One whose CA certificate is over is trusted by nobody, so even the preferred one comes after those that hold.
    best = min(good, key=lambda chain: (bool(chain.lapsed), bool(preferred) and chain.leads_to != preferred))
    return Choice(best, _remark(best, good, preferred, flaw))


def _is_best(chain: VerifiedChain, preferred: str) -> bool:
    return not chain.lapsed and preferred in ("", chain.leads_to)


def _alternates(
    offer: ChainOffer, fetch: Callable[[str], str], verify: Callable[[str], VerifiedChain]
) -> Iterator[VerifiedChain]:
    for url in offer.alternates:
        try:
            yield verify(fetch(url))
        except (TryLater, NeedsPerson):
            continue  # broken, refused or away; a wait of our own is none of these


def _remark(best: VerifiedChain, good: list[VerifiedChain], preferred: str, flaw: TryLater | None) -> str:
    parts = []
    if preferred and best.leads_to != preferred:
        offered = ", ".join(dict.fromkeys(_shown(chain.leads_to) for chain in good))
        parts.append(
            f"no usable chain leads to {preferred}, which is the preferred one; those that were offered lead to "
            f"{offered}, and the one to {_shown(best.leads_to)} is used"
        )
    if best.lapsed:
        parts.append(f"the chain has {best.lapsed}, and clients will not trust it; tell the CA")
    elif best is not good[0] or flaw is not None:
        why = flaw.message if flaw else good[0].lapsed and f"the CA's usual chain has {good[0].lapsed}"
        parts += [f"{why}; the chain to {_shown(best.leads_to)} is used"] if why else []
    return "; ".join(parts)


def _shown(name: str) -> str:
    """A name that a CA gave, without anything that could not stand in a message."""
    return ascii(name)[1:-1] or "a CA without name"
