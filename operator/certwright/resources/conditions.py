"""Everything we say to users: every reason of a condition or event, with its meaning and its fix.

A reason is the CamelCase word that stands in `reason` of a condition and of an event. Words that cert-manager's
users know keep cert-manager's spelling. Documentation is generated from this table and from `causes.py`,
which tells what usually lies behind each, and tests walk both.
"""

from __future__ import annotations

from enum import Enum
from typing import Self

#: Kubernetes accepts 32 KiB; a sentence that long helps nobody, and etcd carries every copy of it.
MESSAGE_LIMIT = 1000


class Reason(Enum):
    """`(word, what it means, what to do)`; the word is what users see."""

    word: str
    meaning: str
    fix: str

    def __new__(cls, word: str, meaning: str, fix: str) -> Self:
        """Keep the three texts apart; the word is the value, so that `Reason(word)` finds the member."""
        member = object.__new__(cls)
        member._value_ = word
        member.word, member.meaning, member.fix = word, meaning, fix
        return member

    # Ready is True
    ISSUED = ("Issued", "The Secret holds a valid certificate as asked.", "Nothing to do.")

    # Why the certificate in the Secret is not what the spec asks (Ready is False, or a new one is being made)
    DOES_NOT_EXIST = ("DoesNotExist", "The target Secret does not exist.", "Wait; it is being made.")
    MISSING_DATA = ("MissingData", "The target Secret lacks tls.crt or tls.key.", "Wait; it is being made.")
    INVALID_CERTIFICATE = (
        "InvalidCertificate",
        "tls.crt in the target Secret is not a readable certificate.",
        "Wait; a new one is being made. Find out who edited the Secret.",
    )
    INVALID_KEY_PAIR = (
        "InvalidKeyPair",
        "tls.key in the target Secret does not belong to tls.crt.",
        "Wait; a new one is being made. Find out who edited the Secret.",
    )
    SECRET_MISMATCH = (
        "SecretMismatch",
        "The private key in the Secret has another algorithm, size or encoding than spec.privateKey.",
        "Wait; a new one is being made.",
    )
    REQUEST_CHANGED = (
        "RequestChanged",
        "The certificate covers other names, or was asked with another profile or chain, than the spec says now.",
        "Wait; a new one is being made.",
    )
    INCORRECT_ISSUER = (
        "IncorrectIssuer",
        "The certificate came from another issuer or directory than the spec names now.",
        "Wait; a new one is being made.",
    )
    RENEWING = ("Renewing", "The certificate is due for renewal.", "Nothing to do.")
    RENEWAL_REQUESTED = (
        "RenewalRequested",
        "The annotation certwright.dev/renew asks for a renewal now; the present certificate stays in use meanwhile.",
        "Nothing to do. Each new value is one more order; CAs allow few a week for the same names.",
    )
    EXPIRED = ("Expired", "The certificate has expired.", "Read the condition RenewalFailing for why.")

    # Working
    ISSUING = ("Issuing", "A certificate is being ordered.", "Wait.")
    PROGRESSING = ("Progressing", "The certificate is being worked on.", "Wait.")
    PROGRESSING_WITH_RETRY = (
        "ProgressingWithRetry",
        "An attempt failed and will be repeated.",
        "Read the condition Ready for why.",
    )
    AWAITING_PROPAGATION = (
        "AwaitingPropagation",
        "Some authoritative name servers do not show the TXT record yet.",
        "Wait; if it lasts, look at the name servers in the message.",
    )
    AWAITING_SOLVER = (
        "AwaitingSolver",
        "The solver pods do not answer for the name yet.",
        "Wait; if it lasts, look at the solver pods: kubectl get pods in the operator's namespace.",
    )
    AWAITING_REACHABILITY = (
        "AwaitingReachability",
        "The proof cannot be fetched over HTTP yet in the way the CA will fetch it.",
        "Have the name lead to your ingress controller, port 80 open to all, and the solver name its class.",
    )
    AWAITING_VALIDATION = ("AwaitingValidation", "The CA is checking the names.", "Wait.")
    AWAITING_ISSUANCE = ("AwaitingIssuance", "The CA is signing the certificate.", "Wait.")
    ORDER_TAKEN = (
        "OrderTaken",
        "The CA handed out an order that was completed already, with a key that is not ours.",
        "Wait; a new order is asked for later. If it lasts, find out who else uses the account.",
    )
    SAME_NAMES = (
        "SameNames",
        "Another Certificate is ordering the same names from the same account.",
        "Wait; it goes on when the other is done. Two Certificates with equal names are seldom meant.",
    )

    # What a person must mend
    INVALID_SPEC = (
        "InvalidSpec",
        "The spec breaks a rule that the operator knows.",
        "Correct the field that the message names. If the field is new, upgrade the operator.",
    )
    SECRET_CONFLICT = (
        "SecretConflict",
        "The target Secret exists and belongs to somebody else.",
        "Choose another secretName, or do what the message says to hand over or free the Secret.",
    )
    NO_MATCHING_SOLVER = (
        "NoMatchingSolver",
        "No solver of the issuer may prove this name.",
        "Add a solver to the issuer, or widen the selector of one.",
    )
    UNKNOWN_PROFILE = (
        "UnknownProfile",
        "The CA does not offer the profile that the spec or its issuer names.",
        "Write one of the profiles in the message, or none.",
    )
    SECRET_VANISHING = (
        "SecretVanishing",
        "The target Secret was deleted or damaged again and again; each time a new certificate must be ordered.",
        "Find out who does it; CAs allow few certificates a week for the same names.",
    )
    ROUTE_REFUSED = (
        "RouteRefused",
        "The route from the name to the solver pods could not be made.",
        "Read the message: a quota, an admission policy, or an object of that name stands in the way.",
    )
    SUSPENDED = ("Suspended", "spec.suspend is true.", "Set spec.suspend to false to go on.")

    # Issuers
    ISSUER_NOT_FOUND = (
        "IssuerNotFound",
        "The issuer that the spec names does not exist.",
        "Correct name and kind in spec.issuerRef (`kubectl get cwi,cwci` lists those that there are), or create it.",
    )
    CLUSTER_ISSUERS_OFF = (
        "ClusterIssuersOff",
        "The operator works in named namespaces only, and may not read ClusterIssuers there.",
        "Name an Issuer of the Certificate's own namespace, or install the operator for all namespaces.",
    )
    ISSUER_NOT_READY = (
        "IssuerNotReady",
        "The issuer exists but has no working ACME account.",
        "Mend what the issuer's conditions say.",
    )
    ACCEPTED = ("Accepted", "The spec is valid.", "Nothing to do.")
    ACCOUNT_REGISTERED = ("AccountRegistered", "The ACME account exists and its key works.", "Nothing to do.")
    REGISTERING = ("Registering", "The ACME account is being looked up or registered.", "Wait.")
    TERMS_NOT_AGREED = (
        "TermsNotAgreed",
        "The CA has terms of service and spec.acme.termsOfServiceAgreed is not true.",
        "Read the terms at the link, then set spec.acme.termsOfServiceAgreed to true.",
    )
    ACCOUNT_KEY_INVALID = (
        "AccountKeyInvalid",
        "The account key Secret holds no private key that can be used at this CA.",
        "Put a key in PEM there, of a kind that the message names, or delete the Secret to have one made.",
    )

    # Ingresses
    CREATE_CERTIFICATE = (
        "CreateCertificate",
        "A Certificate was made because annotations of an Ingress ask for it.",
        "Nothing to do.",
    )
    UPDATE_CERTIFICATE = (
        "UpdateCertificate",
        "A Certificate was changed because the Ingress that it was made for was.",
        "Nothing to do.",
    )
    DELETE_CERTIFICATE = (
        "DeleteCertificate",
        "A Certificate was deleted because the Ingress that it was made for does not ask for it any more.",
        "Nothing to do; its Secret stays.",
    )
    BAD_CONFIG = (
        "BadConfig",
        "What an Ingress asks for by its annotations cannot be done as it is written.",
        "Correct what the message names; Certificates that exist stay as they are until then.",
    )
    CERTIFICATE_CONFLICT = (
        "CertificateConflict",
        "An Ingress asks for a certificate in a Secret that somebody else has a Certificate for.",
        "Choose another secretName, or remove the other Certificate or the other Ingress's annotation.",
    )
    CERTIFICATE_REFUSED = (
        "CertificateRefused",
        "The API server did not take a Certificate that an Ingress asks for.",
        "Read the message: a quota, an admission policy or a missing permission stands in the way.",
    )
    MANAGED_BY_CERT_MANAGER = (
        "ManagedByCertManager",
        "An Ingress with our annotations, or the Secret that it names, belongs to cert-manager too.",
        "Remove the annotations of one of the two.",
    )
    NO_DEFAULT_ISSUER = (
        "NoDefaultIssuer",
        "An Ingress asks for the default issuer, and there is none, or more than one.",
        "Set spec.default to true at exactly one ClusterIssuer.",
    )

    # Credentials
    CREDENTIAL_MISSING = (
        "CredentialMissing",
        "A Secret or a key in it that the issuer names does not exist.",
        "Create the Secret, or correct its name and key in the issuer.",
    )
    CREDENTIAL_UNLABELLED = (
        "CredentialUnlabelled",
        "An Issuer may only read Secrets that are labelled for it.",
        "Run the kubectl label command in the message.",
    )
    CREDENTIAL_INVALID = (
        "CredentialInvalid",
        "A credential cannot be used as it is.",
        "Correct the Secret that the message names.",
    )

    # DNS
    DNS_CREDENTIALS_REFUSED = (
        "DNSCredentialsRefused",
        "The name server refused our key.",
        "Compare name, secret and algorithm of the key with the server's configuration.",
    )
    DNS_PROVIDER_UNAVAILABLE = (
        "DNSProviderUnavailable",
        "The name server that takes our updates did not answer or failed.",
        "It is tried again; see that the operator's pods can reach the server in the message.",
    )
    DNS_UPDATE_REFUSED = (
        "DNSUpdateRefused",
        "The name server understood the update and refused it.",
        "Have the issuer name a TSIG key that may update TXT at _acme-challenge names there.",
    )
    DNS_LOOKUP_FAILED = (
        "DNSLookupFailed",
        "A name could not be looked up.",
        "It is tried again; check the name in the message, its delegation and the resolvers.",
    )
    DNS_ZONE_NOT_FOUND = (
        "DNSZoneNotFound",
        "No zone was found that could hold the TXT record.",
        "Check that the name server serves the zone of this name.",
    )

    # The CA
    CA_UNREACHABLE = (
        "CAUnreachable",
        "The CA did not answer.",
        "It is tried again; check network policy, proxy and CA bundle.",
    )
    CA_ERROR = (
        "CAError",
        "The CA failed, or answered what it should not.",
        "It is tried again; if it lasts, check spec.acme.server and the CA's status page.",
    )
    RATE_LIMITED = (
        "RateLimited",
        "The CA asked for fewer requests.",
        "It is tried again when the CA allows.",
    )
    NAME_HELD_BACK = (
        "NameHeldBack",
        "A name failed validation too often, counted over all Certificates of the account; CAs allow few failures.",
        "Mend what the CA's words in the message name; a changed issuer or credential is tried at once.",
    )
    VALIDATION_FAILED = (
        "ValidationFailed",
        "The CA could not see the proof of a name.",
        "Read the CA's sentence in the message; it names what it saw.",
    )
    ORDER_FAILED = ("OrderFailed", "The order became invalid.", "It is tried again with a new order.")
    CA_TOO_SLOW = (
        "CATooSlow",
        "The CA did not complete the order for as long as it is waited for.",
        "It is tried again with a new order; ask the CA if it lasts.",
    )
    REJECTED = ("Rejected", "The CA will not issue this.", "Change the spec, or ask the CA.")
    CAA_FORBIDS = (
        "CAAForbids",
        "A CAA record does not allow this CA.",
        "Add the CA to the CAA records of the name or its domain, as status.acme.caaIdentities of the issuer says.",
    )
    ACCOUNT_REFUSED = (
        "AccountRefused",
        "The CA does not accept the account.",
        "Do what the CA's sentence in the message asks.",
    )
    EXTERNAL_ACCOUNT_REQUIRED = (
        "ExternalAccountRequired",
        "The CA wants an external account binding, or refused the one given.",
        "Set spec.acme.externalAccountBinding with the key id and key that the CA gave you.",
    )
    USER_ACTION_REQUIRED = (
        "UserActionRequired",
        "The CA wants a person to do something.",
        "Follow the link in the message.",
    )
    PAUSED_BY_CA = (
        "PausedByCA",
        "The CA gave up on a name after very many failures, and waits for a person.",
        "Mend what makes the name fail, then follow the link in the message.",
    )
    UNUSABLE_CERTIFICATE = (
        "UnusableCertificate",
        "The CA's answer was verified and is not the certificate that was asked; it was not stored.",
        "It is tried again; tell the CA if it lasts.",
    )

    # The cluster
    API_SERVER_UNAVAILABLE = (
        "APIServerUnavailable",
        "The API server did not answer or failed.",
        "It is tried again.",
    )
    ATTEMPT_UNREADABLE = (
        "AttemptUnreadable",
        "A Secret stands where the order in progress is to be noted, and is no such note.",
        "Run the kubectl delete command in the message, unless the Secret is yours.",
    )
    ATTEMPT_LOST = (
        "AttemptLost",
        "The Secret with the notes and the key of an order in progress is gone.",
        "A new order is placed with a new key. Find out who deletes Secrets in the operator's namespace.",
    )
    FORBIDDEN = ("Forbidden", "The API server refused a request of the operator.", "Correct its RBAC.")
    NOT_LEADING = (
        "NotLeading",
        "Another replica of the operator is the leader now.",
        "Nothing to do; the leader goes on.",
    )
    CHANGED_MEANWHILE = (
        "ChangedMeanwhile",
        "An object changed while it was worked on.",
        "It is looked at again at once.",
    )
    INTERNAL_ERROR = (
        "InternalError",
        "The operator met a fault of its own.",
        "It is tried again; please report the log's traceback.",
    )


#: Waits whose cause a person provides are told at once; others only after they have lasted a while.
TOLD_AT_ONCE = frozenset(
    reason.word
    for reason in (
        Reason.ISSUER_NOT_FOUND,
        Reason.ISSUER_NOT_READY,
        Reason.CREDENTIAL_MISSING,
        Reason.CREDENTIAL_UNLABELLED,
        Reason.CREDENTIAL_INVALID,
        Reason.ORDER_TAKEN,
        Reason.SAME_NAMES,
        Reason.SECRET_VANISHING,
        Reason.NAME_HELD_BACK,
        Reason.RATE_LIMITED,
        Reason.PAUSED_BY_CA,
        Reason.USER_ACTION_REQUIRED,
        Reason.ACCOUNT_KEY_INVALID,
    )
)


def sentence(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """`text` cut to what a condition carries, or to its share of one."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
