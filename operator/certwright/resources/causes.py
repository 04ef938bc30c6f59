"""What usually lies behind each reason of `conditions.py`, and whether it goes away by itself.

For people who look it up. Complete: a test sees that no reason is missing.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from certwright.resources.conditions import Reason


class Resolves(Enum):
    """Who ends it."""

    FINE = "nothing is wrong"
    ITSELF = "yes"
    CAUSE_GONE = "once the cause is gone; it is tried again"
    PERSON = "no; it waits for a person"


class Cause(NamedTuple):
    """What usually lies behind a reason, and who ends it."""

    usual: str
    resolves: Resolves


_FINE, _ITSELF, _GONE, _PERSON = Resolves.FINE, Resolves.ITSELF, Resolves.CAUSE_GONE, Resolves.PERSON

CAUSES: dict[Reason, Cause] = {
    # Ready is True
    Reason.ISSUED: Cause("The CA issued it, or a Secret that fits was found.", _FINE),
    # Why the certificate in the Secret is not what the spec asks
    Reason.DOES_NOT_EXIST: Cause("The Certificate is new, or somebody deleted the Secret.", _ITSELF),
    Reason.MISSING_DATA: Cause("Somebody made the Secret empty, or edited it.", _ITSELF),
    Reason.INVALID_CERTIFICATE: Cause("Somebody, or another controller, edited the Secret.", _ITSELF),
    Reason.INVALID_KEY_PAIR: Cause("Somebody put another key or certificate into the Secret.", _ITSELF),
    Reason.SECRET_MISMATCH: Cause("spec.privateKey was changed, or the Secret came from elsewhere.", _ITSELF),
    Reason.REQUEST_CHANGED: Cause("dnsNames, commonName, profile or preferredChain was changed.", _ITSELF),
    Reason.INCORRECT_ISSUER: Cause("issuerRef, or the issuer's spec.acme.server, was changed.", _ITSELF),
    Reason.RENEWING: Cause("Its time has come, or the CA advises it (ARI).", _FINE),
    Reason.RENEWAL_REQUESTED: Cause(
        "Somebody ran `certwright renew`, or gave the annotation another value.", _FINE
    ),
    Reason.EXPIRED: Cause("Renewals failed, or were suspended, until the end.", _GONE),
    # Working
    Reason.ISSUING: Cause("A Certificate is new or was changed.", _ITSELF),
    Reason.PROGRESSING: Cause("An order is on its way.", _ITSELF),
    Reason.PROGRESSING_WITH_RETRY: Cause("The reason of the condition Ready.", _GONE),
    Reason.AWAITING_PROPAGATION: Cause("Secondary name servers take a while to copy the zone.", _ITSELF),
    Reason.AWAITING_SOLVER: Cause("Solver pods are starting, or none of them is ready.", _ITSELF),
    Reason.AWAITING_REACHABILITY: Cause(
        "The ingress controller has not taken up the Ingress yet, or the name leads elsewhere.", _GONE
    ),
    Reason.AWAITING_VALIDATION: Cause("The CA looks from several places and takes its time.", _ITSELF),
    Reason.AWAITING_ISSUANCE: Cause("The CA is busy, or a person there has to approve.", _ITSELF),
    Reason.ORDER_TAKEN: Cause("Another cluster or client orders the same names from this account.", _ITSELF),
    Reason.SAME_NAMES: Cause("Two Certificates list the same dnsNames.", _ITSELF),
    # What a person must mend
    Reason.INVALID_SPEC: Cause(
        "The operator is older than the CRDs, or the object was never checked.", _PERSON
    ),
    Reason.SECRET_CONFLICT: Cause("Two Certificates, or another tool, use one secretName.", _PERSON),
    Reason.NO_MATCHING_SOLVER: Cause(
        "A wildcard without a DNS-01 solver, or a selector that leaves the name out.", _PERSON
    ),
    Reason.UNKNOWN_PROFILE: Cause("A typing error, or a profile that the CA has withdrawn.", _PERSON),
    Reason.SECRET_VANISHING: Cause(
        "A pruning tool, such as one for GitOps, deletes what it does not know.", _GONE
    ),
    Reason.ROUTE_REFUSED: Cause("An admission policy forbids the Ingress.", _GONE),
    Reason.SUSPENDED: Cause("Somebody set it.", _PERSON),
    # Issuers
    Reason.ISSUER_NOT_FOUND: Cause("A typing error in issuerRef, or kind ClusterIssuer is missing.", _PERSON),
    Reason.CLUSTER_ISSUERS_OFF: Cause("The chart's value watchNamespaces is set.", _PERSON),
    Reason.ISSUER_NOT_READY: Cause("The issuer is new, or its own conditions say what is wrong.", _GONE),
    Reason.ACCEPTED: Cause("The issuer's spec was read.", _FINE),
    Reason.ACCOUNT_REGISTERED: Cause("The CA knows the account.", _FINE),
    Reason.REGISTERING: Cause("The issuer is new, or the operator has just started.", _ITSELF),
    Reason.TERMS_NOT_AGREED: Cause("The field was left out.", _PERSON),
    Reason.ACCOUNT_KEY_INVALID: Cause(
        "The Secret was edited, or the key is of a kind that the CA does not take.", _PERSON
    ),
    # Ingresses
    Reason.CREATE_CERTIFICATE: Cause("The Ingress, or its annotation or TLS block, is new.", _FINE),
    Reason.UPDATE_CERTIFICATE: Cause("A host or an annotation was changed.", _FINE),
    Reason.DELETE_CERTIFICATE: Cause("The annotation or the TLS block was removed.", _FINE),
    Reason.BAD_CONFIG: Cause("A typing error, or two annotations that exclude each other.", _PERSON),
    Reason.CERTIFICATE_CONFLICT: Cause("Two Ingresses with one secretName, in the same namespace.", _PERSON),
    Reason.CERTIFICATE_REFUSED: Cause("A quota of Certificates, or Roles older than the operator.", _GONE),
    Reason.MANAGED_BY_CERT_MANAGER: Cause("Both operators are installed while one takes over.", _PERSON),
    Reason.NO_DEFAULT_ISSUER: Cause(
        "The ClusterIssuer was not marked, or the old default still is.", _PERSON
    ),
    # Credentials
    Reason.CREDENTIAL_MISSING: Cause("The Secret is in another namespace, or was not made yet.", _GONE),
    Reason.CREDENTIAL_UNLABELLED: Cause("The Secret was made without its label.", _PERSON),
    Reason.CREDENTIAL_INVALID: Cause("It was pasted with a line break, or in another encoding.", _PERSON),
    # DNS
    Reason.DNS_CREDENTIALS_REFUSED: Cause(
        "Name, secret or algorithm of the TSIG key differs from the server's, or a clock is wrong.", _GONE
    ),
    Reason.DNS_PROVIDER_UNAVAILABLE: Cause(
        "A NetworkPolicy or a firewall closes its port, or it is down.", _GONE
    ),
    Reason.DNS_UPDATE_REFUSED: Cause("The zone's update policy leaves out this key or these names.", _PERSON),
    Reason.DNS_LOOKUP_FAILED: Cause("The resolver does not answer, or the delegation is broken.", _GONE),
    Reason.DNS_ZONE_NOT_FOUND: Cause("The domain is not delegated, or the server has another zone.", _GONE),
    # The CA
    Reason.CA_UNREACHABLE: Cause(
        "A NetworkPolicy, a firewall or a proxy is in between, the CA is down, or caBundle lacks its root.",
        _GONE,
    ),
    Reason.CA_ERROR: Cause("Trouble at the CA, or a proxy that answers in its place.", _GONE),
    Reason.RATE_LIMITED: Cause("Many certificates for one domain within a week.", _ITSELF),
    Reason.NAME_HELD_BACK: Cause("The name does not lead here any more, or its DNS is broken.", _GONE),
    Reason.VALIDATION_FAILED: Cause(
        "The name leads elsewhere, port 80 is closed to the CA, or an AAAA record is stale.", _GONE
    ),
    Reason.ORDER_FAILED: Cause("The CA gave the order up, or forgot it.", _ITSELF),
    Reason.CA_TOO_SLOW: Cause("The CA is overloaded, or a person there did not approve.", _GONE),
    Reason.REJECTED: Cause(
        "The CA's policy: a forbidden name, or a kind of key that it does not sign.", _PERSON
    ),
    Reason.CAA_FORBIDS: Cause("A CAA record of the domain, or of one above it, names another CA.", _GONE),
    Reason.ACCOUNT_REFUSED: Cause("The account was closed at the CA, or its contact is not accepted.", _GONE),
    Reason.EXTERNAL_ACCOUNT_REQUIRED: Cause("The CA opens accounts for its customers only.", _PERSON),
    Reason.USER_ACTION_REQUIRED: Cause("The CA has new terms of service.", _PERSON),
    Reason.PAUSED_BY_CA: Cause("The name stopped leading here long ago, and nobody removed it.", _PERSON),
    Reason.UNUSABLE_CERTIFICATE: Cause("A CA that is set up wrongly, or a faulty proxy.", _GONE),
    # The cluster
    Reason.API_SERVER_UNAVAILABLE: Cause("The control plane is being upgraded, or is overloaded.", _ITSELF),
    Reason.ATTEMPT_UNREADABLE: Cause("Somebody edited a Secret in the operator's namespace.", _PERSON),
    Reason.ATTEMPT_LOST: Cause("Somebody deleted Secrets in the operator's namespace.", _ITSELF),
    Reason.FORBIDDEN: Cause("Roles are older than the operator, or an admission policy objects.", _PERSON),
    Reason.NOT_LEADING: Cause("A rollout, or a node that went away.", _FINE),
    Reason.CHANGED_MEANWHILE: Cause("Two writers at the same moment.", _ITSELF),
    Reason.INTERNAL_ERROR: Cause("A defect of the operator.", _GONE),
}
