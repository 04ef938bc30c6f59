"""Opening an issuer's account: the key first in a Secret, then looked up, and only then registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from certwright.acme.flows import Conversation
from certwright.acme.jws import AccountKey, external_account_binding, generate_account_key
from certwright.acme.messages import AccountStatus
from certwright.failures import NeedsPerson, NotYet
from certwright.reconcile.accounts import Account
from certwright.reconcile.credentials import LOOK_AGAIN, secret_bytes, unlabelled
from certwright.reconcile.gates import Traveller
from certwright.resources.conditions import Reason
from certwright.secret_text import SecretText

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certwright.acme.messages import Account as RegisteredAccount
    from certwright.acme.messages import Directory
    from certwright.reconcile.accounts import Accounts, Authority
    from certwright.reconcile.credentials import Credentials
    from certwright.reconcile.gates import Gates
    from certwright.reconcile.ports import Checkpoint, Clock, Json, Secrets
    from certwright.resources.issuer import Issuer
    from certwright.resources.names import ApiNames

_HOW_TO_MEND_KEY = "put the account key there, or delete the Secret to have one made"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Makes a working `Account` of an issuer's spec (RFC 8555 §7.3)."""

    accounts: Accounts
    gates: Gates
    secrets: Secrets
    credentials: Credentials
    names: ApiNames
    clock: Clock
    checkpoint: Checkpoint

    def open(self, issuer: Issuer) -> Account:
        """Find or register the account.

        Raises:
            NotYet: a Secret is missing or not labelled.
            NeedsPerson: terms, binding or key need a person.
            Refused: the CA said no.
        """
        authority = self.accounts.authority(issuer.spec.server, self._ca_bundle(issuer))
        directory = authority.directory()
        secret = self._read_key_secret(issuer)
        if secret is None:
            _agree(issuer, directory)
        key, version, existed = self._key(issuer, secret)
        with self.accounts.registering(issuer.spec.server, key.thumbprint):
            registered = self._registered(issuer, authority, directory, key, existed=existed)
        if registered.status not in (AccountStatus.VALID, AccountStatus.UNKNOWN):
            message = f"the CA says that account {registered.url} is {registered.status.value}; use another account key"
            raise NeedsPerson(Reason.ACCOUNT_REFUSED.word, message)
        return Account(
            issuer=issuer.ref,
            issuer_uid=issuer.meta.uid,
            generation=issuer.meta.generation,
            key_version=version,
            spec=issuer.spec,
            authority=authority,
            directory=directory,
            key=key,
            conversation=Conversation(directory, authority.nonces, key, registered.url),
            url=registered.url,
            opened_at=self.clock(),
        )

    def _ca_bundle(self, issuer: Issuer) -> bytes | None:
        if issuer.spec.ca_bundle_secret is not None:
            return self.credentials.read(issuer.ref, issuer.spec.ca_bundle_secret).reveal().encode()
        return issuer.spec.ca_bundle

    def _read_key_secret(self, issuer: Issuer) -> Json | None:
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

    def _key(self, issuer: Issuer, secret: Json | None) -> tuple[AccountKey, str, bool]:
        """The account key, the version of its Secret, and whether it was there before."""
        existed = secret is not None
        wanted = issuer.spec.private_key_secret
        if secret is None:
            self.checkpoint("before:create-account-key")
            secret = self.secrets.create_account_key(
                namespace=self.credentials.namespace_of(issuer.ref),
                name=wanted.name,
                field=wanted.key,
                key=generate_account_key(),
            )
            self.checkpoint("after:create-account-key")
        if secret is None:
            # Another issuer with the same Secret was faster: its key is ours too.
            message = f"Secret {wanted.name} was created meanwhile; it is read next"
            raise NotYet(Reason.REGISTERING.word, message)
        text = secret_bytes(secret, wanted.key)
        if not text:
            message = f"Secret {wanted.name} has no key {wanted.key}; {_HOW_TO_MEND_KEY}"
            raise NotYet(Reason.ACCOUNT_KEY_INVALID.word, message, look_again_in=LOOK_AGAIN)
        return _loaded(text, wanted.name, wanted.key), secret_version(secret), existed

    def _registered(
        self,
        issuer: Issuer,
        authority: Authority,
        directory: Directory,
        key: AccountKey,
        *,
        existed: bool,
    ) -> RegisteredAccount:
        conversation = Conversation(directory, authority.nonces, key)
        found = authority.ask(conversation.find_account()) if existed else None
        if found is None:
            _agree(issuer, directory)
            self.gates.enter(Traveller.registering(issuer), registers=True)
            return self._register(issuer, authority, directory, key)
        known = issuer.status.acme.last_registered_email if issuer.status.acme else None
        if known is not None and known != (issuer.spec.email or ""):
            signed = Conversation(directory, authority.nonces, key, found.url)
            self.checkpoint("before:update-contact")
            found = authority.ask(signed.update_contact(_contact(issuer)))
            self.checkpoint("after:update-contact")
        return found

    def _binding(self, issuer: Issuer, directory: Directory, key: AccountKey) -> dict[str, str] | None:
        wanted = issuer.spec.external_account_binding
        if wanted is None:
            if directory.external_account_required:
                message = "the CA wants an external account binding; set spec.acme.externalAccountBinding"
                raise NeedsPerson(Reason.EXTERNAL_ACCOUNT_REQUIRED.word, message)
            return None
        mac_key = self.credentials.read(issuer.ref, wanted.key_secret)
        return external_account_binding(
            wanted.key_id, mac_key, key, directory.new_account, wanted.algorithm.value
        )

    def _register(
        self, issuer: Issuer, authority: Authority, directory: Directory, key: AccountKey
    ) -> RegisteredAccount:
        conversation = Conversation(directory, authority.nonces, key)
        binding = self._binding(issuer, directory, key)
        terms_agreed = issuer.spec.terms_of_service_agreed
        self.checkpoint("before:new-account")
        try:
            made = authority.ask(conversation.register(_contact(issuer), terms_agreed, binding))
        except NeedsPerson as refused:
            wanted = issuer.spec.external_account_binding
            if wanted is not None and refused.reason == Reason.EXTERNAL_ACCOUNT_REQUIRED.word:
                # Whoever corrects the Secret shall not have the CA hear of the old key once more.
                self.credentials.forget(self.credentials.namespace_of(issuer.ref), wanted.key_secret.name)
            raise
        self.checkpoint("after:new-account")
        return made


def _contact(issuer: Issuer) -> tuple[str, ...]:
    return (f"mailto:{issuer.spec.email}",) if issuer.spec.email else ()


def _agree(issuer: Issuer, directory: Directory) -> None:
    """Terms are agreed to by the user, in the spec, or not at all (RFC 8555 §7.3)."""
    if directory.terms_of_service and not issuer.spec.terms_of_service_agreed:
        message = f"read {directory.terms_of_service}, then set spec.acme.termsOfServiceAgreed: true"
        raise NeedsPerson(Reason.TERMS_NOT_AGREED.word, message)


def _loaded(text: bytes, name: str, field: str) -> AccountKey:
    try:
        return AccountKey.from_pem(SecretText(text.decode()))
    except (ValueError, UnicodeDecodeError):
        message = f"key {field} of Secret {name} is no ECDSA or RSA private key in PEM; {_HOW_TO_MEND_KEY}"
        raise NeedsPerson(Reason.ACCOUNT_KEY_INVALID.word, message) from None


def secret_version(secret: Mapping[str, Any]) -> str:
    """UID and resourceVersion of a Secret: changes whenever it does."""
    metadata = secret["metadata"]
    return f"{metadata['uid']}/{metadata['resourceVersion']}"
