"""Makes operator/REASONS.md: every reason, what it means, what usually lies behind it, and what helps.

`python -m tests.resources.reasons_page` writes it; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from certwright.resources.causes import CAUSES
from certwright.resources.conditions import Reason

PAGE = Path(__file__).parents[2] / "operator" / "REASONS.md"

HEAD = """<!-- Made by `make format` from certwright/resources/conditions.py and causes.py; a test compares. -->
# What a reason means, and what to do

## Finding the reason

Every trouble has a reason, which is one word, and a message, which is the sentence to read first: it says what
happened, why, and what happens next when.

```
kubectl get cw -A                                    # the column STATUS has the reason of the condition Ready
kubectl get cw -A -o wide                            # and MESSAGE has its sentence
kubectl describe certificates.certwright.dev web     # all conditions, the last failure, the next attempt, events
kubectl get cwi -A -o wide                           # the same of Issuers
kubectl get cwci -o wide                             # and of ClusterIssuers
```

What is wrong with the annotations of an Ingress is told by events beside it and nowhere else, since there may be no
Certificate to tell it by: `BadConfig`, `CertificateConflict`, `CertificateRefused`, `NoDefaultIssuer`, and
`ManagedByCertManager`, which Certificates have as well.

```
kubectl describe ingress -n shop shop                # its events, for an hour; a mistake that lasts is told again
```

A renewal that fails leaves Ready as it is, because the present certificate is still good. Its reason is in the
condition `RenewalFailing`, and in `status.failure`:

```
kubectl get cw -A -o custom-columns=NAME:.metadata.name,REASON:.status.failure.reason,NEXT:.status.nextAttemptTime
kubectl get cw web -o jsonpath='{range .status.conditions[*]}{.type}={.status} {.reason}: {.message}{"\\n"}{end}'
kubectl get events -A --field-selector reason=ValidationFailed
```

`Stalled` is True where somebody has to act, `Reconciling` where it goes on by itself. Once the spec, the issuer or a
Secret that was named is changed, it is tried at once, unless the CA asked for a wait; nothing has to be deleted or
restarted. When the CA itself refuses: [what happens after each refusal](REFUSALS.md).

## By reason

| reason | what it means | usual cause | what to do | does it go away by itself? |
|---|---|---|---|---|"""


def page() -> str:
    """The whole page; in the order of words, since that is what readers come with."""
    reasons = sorted(Reason, key=lambda reason: reason.word.lower())
    return "\n".join([HEAD, *map(_row, reasons), ""])


def _row(reason: Reason) -> str:
    usual, resolves = CAUSES[reason]
    return f"| `{reason.word}` | {reason.meaning} | {usual} | {reason.fix} | {resolves.value} |"


if __name__ == "__main__":
    PAGE.write_text(page())
