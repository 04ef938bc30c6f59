"""Keys of ACME accounts in their Secrets: found, made, and made anew where a CA takes none of their kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.acme.jws import KINDS, AccountKey, generate_account_key
from certwright.failures import NeedsPerson, NotYet
from certwright.reconcile.accounts import account_home
from certwright.reconcile.credentials import LOOK_AGAIN, secret_bytes, unlabelled
from certwright.reconcile.managed_fields import data_of
from certwright.resources.conditions import Reason
from certwright.resources.names import FIELD_MANAGER
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certwright.acme.refusals import Refused
    from certwright.reconcile.cache import Cache
    from certwright.reconcile.credentials import Credentials
    from certwright.reconcile.ports import Checkpoint, Json, Secrets
    from certwright.resources.issuer import Issuer
    from certwright.resources.names import ApiNames

_HOW_TO_MEND = "put the account key there, or delete the Secret to have one made"
_ELSEWHERE = "name another Secret in spec.acme.privateKeySecretRef"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptKey:
    """An account key and the Secret in which it is.

    Attributes:
        is_new: whether it was made in this turn, so that no CA has ever heard of it.
    """

    key: AccountKey
    secret: Json
    is_new: bool

    @property
    def version(self) -> str:
        """UID and resourceVersion of the Secret: changes whenever it does."""
        return secret_version(self.secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountKeys:
    """The account key Secrets of issuers."""

    secrets: Secrets
    credentials: Credentials
    cache: Cache
    names: ApiNames
    checkpoint: Checkpoint

    def secret_of(self, issuer: Issuer) -> Json | None:
        """The live Secret that holds the issuer's account key, None if there is none.

        Raises:
            NotYet: it is not labelled.
            NeedsPerson: it is something else.
        """
        namespace = self.credentials.namespace_of(issuer.ref)
        name = issuer.spec.private_key_secret.name
        secret = self.secrets.read(namespace, name)
        if secret is None:
            return None
        label = (secret["metadata"].get("labels") or {}).get(self.names.secret_label, "")
        if label in (self.names.target, self.names.attempt, self.names.credential):
            message = (
                f"Secret {name} is marked as {label} and is not used as an account key; choose another name"
            )
            raise NeedsPerson(Reason.ACCOUNT_KEY_INVALID.word, message)
        if issuer.ref.namespace and label != self.names.account:
            raise unlabelled(self.names, namespace, name, self.names.account)
        return secret

    def kept(self, issuer: Issuer, secret: Json | None) -> KeptKey:
        """The key in `secret`, or a new one in a new Secret.

        Raises:
            NotYet: there is no key in it yet, or somebody else just made the Secret.
            NeedsPerson: what is in it is no key.
        """
        existed = secret is not None
        wanted = issuer.spec.private_key_secret
        if secret is None:
            self.checkpoint("before:create-account-key")
            secret = self.secrets.create_account_key(
                namespace=self.credentials.namespace_of(issuer.ref),
                name=wanted.name,
                field=wanted.key,
                key=generate_account_key(),
                directory=issuer.spec.server,
            )
            self.checkpoint("after:create-account-key")
        if secret is None:
            # Another issuer with the same Secret was faster: its key is ours too.
            message = f"Secret {wanted.name} was created meanwhile; it is read next"
            raise NotYet(Reason.REGISTERING.word, message)
        text = secret_bytes(secret, wanted.key)
        if not text:
            message = f"Secret {wanted.name} has no key {wanted.key}; {_HOW_TO_MEND}"
            raise NotYet(Reason.ACCOUNT_KEY_INVALID.word, message, look_again_in=LOOK_AGAIN)
        return KeptKey(key=_loaded(text, wanted.name, wanted.key), secret=secret, is_new=not existed)

    def replaced(self, issuer: Issuer, kept: KeptKey, refused: Refused) -> KeptKey:
        """A key of a kind that the CA takes, in place of one whose signature it does not (RFC 8555 §6.2).

        Only a key that we made for this CA, which never took it, is replaced: no account is lost with it.

        Args:
            issuer: whose account is being opened.
            kept: the key that was refused.
            refused: the CA's problem of type `badSignatureAlgorithm`.

        Raises:
            NotYet: the Secret changed meanwhile.
            NeedsPerson: the key is not ours to replace, or the CA takes nothing that we can make.
        """
        taken = refused.problem.algorithms
        algorithm = next((each for each in KINDS if each in taken), None)
        obstacle = self._obstacle(issuer, kept)
        if kept.key.algorithm in taken or algorithm is None or obstacle:
            message = _told(issuer, kept.key.algorithm, taken, obstacle)
            raise NeedsPerson(
                Reason.ACCOUNT_KEY_INVALID.word, message, problem_type=refused.problem_type
            ) from refused
        field = issuer.spec.private_key_secret.key
        pem = generate_account_key(algorithm)
        self.checkpoint("before:replace-account-key")
        secret = self.secrets.replace_account_key(kept.secret, field=field, key=pem)
        self.checkpoint("after:replace-account-key")
        return KeptKey(key=AccountKey.from_pem(pem), secret=secret, is_new=True)

    def _obstacle(self, issuer: Issuer, kept: KeptKey) -> str:
        """Why the key must stay as it is, or ""."""
        metadata, wanted = kept.secret["metadata"], issuer.spec.private_key_secret
        annotations: Mapping[str, Any] = metadata.get("annotations") or {}
        made_for = str(annotations.get(self.names.directory, ""))
        ours = wanted.key in data_of(metadata.get("managedFields"), FIELD_MANAGER)
        if not ours or account_home(made_for) != account_home(issuer.spec.server):
            return "the key was not made by the operator for this CA"
        known = issuer.status.acme
        if known is not None and known.key_thumbprint == kept.key.thumbprint:
            return f"account {known.account_url} was opened with it"
        place = (self.credentials.namespace_of(issuer.ref), wanted.name)
        others = [str(ref) for ref in self.cache.issuers_of_secret(place) if ref != issuer.ref]
        return f"{', '.join(sorted(others))} uses it too" if others else ""


def _told(issuer: Issuer, algorithm: str, taken: Sequence[str], obstacle: str) -> str:
    wanted = issuer.spec.private_key_secret
    refused = f"the CA does not take signatures by {algorithm}, as the key in Secret {wanted.name} makes them"
    if not taken:
        return f"{refused}, and does not say which it takes; ask the CA, then {_ELSEWHERE}"
    if algorithm in taken:
        return f"{refused}, and says in the same breath that it does; ask the CA"
    if not set(taken) & set(KINDS):
        spoken = ", ".join(KINDS)
        return f"{refused}; it takes {', '.join(taken)}, and the operator signs by {spoken}; ask the CA"
    stays = f", and this one is not replaced because {obstacle}" if obstacle else ""
    return (
        f"{refused}; it takes {', '.join(taken)}{stays}: "
        f"put a key of such a kind there, or {_ELSEWHERE}, where one will be made"
    )


def _loaded(text: bytes, name: str, field: str) -> AccountKey:
    try:
        return AccountKey.from_pem(SecretText(text.decode()))
    except (ValueError, UnicodeDecodeError):
        message = f"key {field} of Secret {name} is no ECDSA or RSA private key in PEM; {_HOW_TO_MEND}"
        raise NeedsPerson(Reason.ACCOUNT_KEY_INVALID.word, message) from None


def secret_version(secret: Mapping[str, Any]) -> str:
    """UID and resourceVersion of a Secret: changes whenever it does."""
    metadata = secret["metadata"]
    return f"{metadata['uid']}/{metadata['resourceVersion']}"
