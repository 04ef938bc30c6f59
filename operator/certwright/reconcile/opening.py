"""Opening an issuer's account: the key first in a Secret, then looked up, and only then registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certwright.acme.flows import Conversation
from certwright.acme.jws import external_account_binding
from certwright.acme.messages import AccountStatus
from certwright.acme.refusals import ProblemKind, Refused
from certwright.failures import NeedsPerson
from certwright.reconcile.accounts import Account
from certwright.reconcile.gates import Traveller
from certwright.resources.conditions import Reason
from certwright.resources.secret_refs import blamed

if TYPE_CHECKING:
    from certwright.acme.jws import AccountKey
    from certwright.acme.messages import Account as RegisteredAccount
    from certwright.acme.messages import Directory
    from certwright.reconcile.account_keys import AccountKeys, KeptKey
    from certwright.reconcile.accounts import Accounts, Authority
    from certwright.reconcile.credentials import Credentials
    from certwright.reconcile.gates import Gates
    from certwright.reconcile.ports import Checkpoint, Clock
    from certwright.resources.issuer import Issuer


_ABOUT_CONTACT = frozenset({ProblemKind.INVALID_CONTACT, ProblemKind.UNSUPPORTED_CONTACT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """Makes a working `Account` of an issuer's spec (RFC 8555 §7.3)."""

    accounts: Accounts
    gates: Gates
    keys: AccountKeys
    credentials: Credentials
    clock: Clock
    checkpoint: Checkpoint

    def open(self, issuer: Issuer) -> Account:
        """Find or register the account.

        Raises:
            NotYet: a Secret is missing or not labelled.
            NeedsPerson: terms, binding or key need a person.
            Refused: the CA said no.
        """
        try:
            return self._opened(issuer)
        except Refused as refused:
            if refused.kind in _ABOUT_CONTACT:
                refused.message = f"{refused.message}; correct spec.acme.email, or remove it"
            raise

    def _opened(self, issuer: Issuer) -> Account:
        """The same, with a refusal in the CA's words alone."""
        authority = self.accounts.authority(issuer.spec.server, self._ca_bundle(issuer))
        directory = authority.directory()
        secret = self.keys.secret_of(issuer)
        if secret is None:
            _agree(issuer, directory)
        kept = self.keys.kept(issuer, secret)
        try:
            registered = self._registered(issuer, authority, directory, kept)
        except Refused as refused:
            if refused.kind is not ProblemKind.BAD_SIGNATURE_ALGORITHM:
                raise
            kept = self.keys.replaced(issuer, kept, refused)
            registered = self._registered(issuer, authority, directory, kept)
        if registered.status not in (AccountStatus.VALID, AccountStatus.UNKNOWN):
            raise _closed(f"account {registered.url} is {registered.status.value}")
        self._tell_contact(issuer, authority, kept, registered)
        return Account(
            issuer=issuer.ref,
            issuer_uid=issuer.meta.uid,
            generation=issuer.meta.generation,
            key_version=kept.version,
            spec=issuer.spec,
            authority=authority,
            directory=directory,
            key=kept.key,
            conversation=Conversation(directory, authority.nonces, kept.key, registered.url),
            url=registered.url,
            opened_at=self.clock(),
        )

    def _ca_bundle(self, issuer: Issuer) -> bytes | None:
        if issuer.spec.ca_bundle_secret is not None:
            return self.credentials.read(issuer.ref, issuer.spec.ca_bundle_secret).reveal().encode()
        return issuer.spec.ca_bundle

    def _registered(
        self, issuer: Issuer, authority: Authority, directory: Directory, kept: KeptKey
    ) -> RegisteredAccount:
        with self.accounts.registering(issuer.spec.server, kept.key.thumbprint):
            conversation = Conversation(directory, authority.nonces, kept.key)
            found = None if kept.is_new else self._found(authority, conversation)
            if found is not None:
                return found
            _agree(issuer, directory)
            self.gates.enter(Traveller.registering(issuer), registers=True)
            return self._register(issuer, authority, directory, kept.key)

    def _found(self, authority: Authority, conversation: Conversation) -> RegisteredAccount | None:
        """The account of the key, None if the CA knows none.

        Raises:
            NeedsPerson: the CA knows it, and does not let it in (RFC 8555 §7.3.6).
        """
        try:
            return authority.ask(conversation.find_account())
        except Refused as refused:
            if refused.kind is ProblemKind.UNAUTHORIZED:
                raise _closed(refused.message) from refused
            raise

    def _tell_contact(
        self, issuer: Issuer, authority: Authority, kept: KeptKey, found: RegisteredAccount
    ) -> None:
        """See that the CA knows the address that the spec says now."""
        known = issuer.status.acme.last_registered_email if issuer.status.acme else None
        if found.created or kept.is_new or known is None or known == (issuer.spec.email or ""):
            return
        signed = Conversation(authority.directory(), authority.nonces, kept.key, found.url)
        self.checkpoint("before:update-contact")
        authority.ask(signed.update_contact(_contact(issuer)))
        self.checkpoint("after:update-contact")

    def _binding(self, issuer: Issuer, directory: Directory, key: AccountKey) -> dict[str, str] | None:
        wanted = issuer.spec.external_account_binding
        if wanted is None:
            if directory.external_account_required:
                message = "the CA wants an external account binding; set spec.acme.externalAccountBinding"
                raise NeedsPerson(Reason.EXTERNAL_ACCOUNT_REQUIRED.word, message)
            return None
        mac_key = self.credentials.read(issuer.ref, wanted.key_secret)
        try:
            return external_account_binding(
                wanted.key_id, mac_key, key, directory.new_account, wanted.algorithm.value
            )
        except NeedsPerson as unusable:
            self.credentials.forget(self.credentials.namespace_of(issuer.ref), wanted.key_secret.name)
            raise blamed(wanted.key_secret, unusable) from None

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
                raise _unbound(issuer, key, refused) from refused
            raise
        self.checkpoint("after:new-account")
        return made


def _closed(what: str) -> NeedsPerson:
    """An account that the CA closed, or that was deactivated: neither comes back by itself."""
    message = (
        f"{what}; ask the CA, or name another Secret in spec.acme.privateKeySecretRef, "
        "and a new account is opened with the key in it"
    )
    return NeedsPerson(Reason.ACCOUNT_REFUSED.word, message, problem_type=ProblemKind.UNAUTHORIZED.value)


def _unbound(issuer: Issuer, key: AccountKey, refused: NeedsPerson) -> NeedsPerson:
    """The CA refused the binding; says so first where an account that there was is lost."""
    known = issuer.status.acme
    is_lost = known is not None and known.key_thumbprint == key.thumbprint
    lost = f"the CA does not know account {known.account_url} any more: " if known and is_lost else ""
    return NeedsPerson(refused.reason, f"{lost}{refused.message}", problem_type=refused.problem_type)


def _contact(issuer: Issuer) -> tuple[str, ...]:
    return (f"mailto:{issuer.spec.email}",) if issuer.spec.email else ()


def _agree(issuer: Issuer, directory: Directory) -> None:
    """Terms are agreed to by the user, in the spec, or not at all (RFC 8555 §7.3)."""
    if directory.terms_of_service and not issuer.spec.terms_of_service_agreed:
        message = (
            f"the CA has terms of service: read {directory.terms_of_service}, then set "
            "spec.acme.termsOfServiceAgreed: true"
        )
        raise NeedsPerson(Reason.TERMS_NOT_AGREED.word, message)
