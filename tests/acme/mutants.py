"""Lines of rfc8555.md that are broken on purpose, one at a time, and the tests that must see it."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One wrong thing.

    Attributes:
        section: of the line in rfc8555.md that is not true any more.
        wrong: what the client does then, as words.
        file: below `operator/certwright`.
        old: a text that stands there exactly once.
        new: what stands there instead.
        tests: path and name of each, all of which must fail.
    """

    section: str
    wrong: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def _tests(path: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/{path}::test_{name}" for name in names)


MUTANTS = (
    Mutant(
        "6.1",
        "does not name its library",
        "acme/transport.py",
        'f"{user_agent} {_LIBRARY}"',
        "user_agent",
        _tests("acme/test_transport.py", "a_request_says_who_we_are_and_little_more"),
    ),
    Mutant(
        "6.1",
        "says nothing of languages",
        "acme/flows.py",
        '_SPOKEN = {"accept-language": "en"}',
        "_SPOKEN: dict[str, str] = {}",
        _tests("acme/test_signed_requests.py", "every_request_says_which_language_we_read"),
    ),
    Mutant(
        "6.2",
        "names key and account at once",
        "acme/jws.py",
        '{"jwk": self.jwk} if kid is None else {"kid": kid}',
        '{"jwk": self.jwk} | ({} if kid is None else {"kid": kid})',
        (
            *_tests("acme/test_signed_requests.py", "everything_else_is_a_flattened_jws_for_its_own_address"),
            *_tests("acme/test_jws.py", "a_signature_holds_and_names_key_or_account_but_not_both"),
            *_tests("acme/test_jws_vectors.py", "what_is_signed_in_an_accounts_name_is_the_same_to_the_byte"),
        ),
    ),
    Mutant(
        "6.2",
        "signs with the wrong algorithm for P-384",
        "acme/jws.py",
        '"secp384r1": ES384',
        '"secp384r1": ES256',
        _tests("acme/test_jws_vectors.py", "a_second_reader_takes_the_signature_and_none_of_anything_else"),
    ),
    Mutant(
        "6.3",
        "fetches with an empty object",
        "acme/flows.py",
        'AS_GET = b""',
        'AS_GET = b"{}"',
        (
            *_tests(
                "acme/test_signed_requests.py",
                "whatever_is_only_read_is_asked_for_with_nothing_as_payload",
            ),
            *_tests("acme/test_flows.py", "what_is_fetched_is_fetched_by_an_empty_post"),
        ),
    ),
    Mutant(
        "6.4",
        "signs the address in lower case",
        "acme/flows.py",
        "self._key.sign(body, url, nonce, kid)",
        "self._key.sign(body, url.lower(), nonce, kid)",
        _tests(
            "acme/test_signed_requests.py",
            "an_address_is_signed_and_asked_byte_for_byte",
            "a_whole_conversation_at_an_odd_address",
        ),
    ),
    Mutant(
        "6.5",
        "takes the nonces of successes alone",
        "acme/flows.py",
        "self._nonces.keep(nonce)",
        "self._nonces.keep(nonce if response.status < _REFUSALS else None)",
        _tests("acme/test_nonces.py", "every_answer_brings_the_nonce_of_the_next_request"),
    ),
    Mutant(
        "6.5",
        "uses nonces of any age",
        "acme/nonces.py",
        "if since >= oldest:",
        "if since >= oldest or nonce:",
        _tests(
            "acme/test_nonces.py",
            "a_nonce_is_used_up_to_an_hour_after_it_came_and_not_later",
            "after_an_idle_hour_a_new_one_is_asked_for",
        ),
    ),
    Mutant(
        "6.5",
        "uses the oldest nonce first",
        "acme/nonces.py",
        "self._kept.pop()",
        "self._kept.popleft()",
        _tests("acme/test_nonces.py", "the_newest_nonce_is_used_first_and_only_once"),
    ),
    Mutant(
        "6.5",
        "uses a nonce twice",
        "acme/nonces.py",
        "self._kept.pop()",
        "self._kept[-1]",
        _tests("acme/test_nonces.py", "the_newest_nonce_is_used_first_and_only_once"),
    ),
    Mutant(
        "6.5",
        "keeps nonces without end",
        "acme/nonces.py",
        "deque(maxlen=MOST_KEPT)",
        "deque()",
        _tests("acme/test_nonces.py", "the_oldest_nonces_fall_out"),
    ),
    Mutant(
        "6.5",
        "answers a refused nonce with another old one",
        "acme/flows.py",
        "            nonce = nonce_of(response)\n",
        "            nonce = self._nonces.take() or nonce_of(response)\n",
        _tests("acme/test_nonces.py", "a_request_is_signed_anew_with_the_nonce_of_each_refusal"),
    ),
    Mutant(
        "6.5",
        "tries a slow CA to the end",
        "acme/flows.py",
        " or self._nonces.seconds() >= until",
        "",
        _tests("acme/test_nonces.py", "a_slow_ca_that_takes_no_nonce_is_given_up_sooner"),
    ),
    Mutant(
        "6.6",
        "does not understand dates",
        "acme/headers.py",
        "return min(max(until - sent, timedelta()), LONGEST_WAIT)",
        "return None",
        (
            *_tests("acme/test_tolerance.py", "every_refusal_says_when_to_come_back"),
            *_tests("acme/test_headers.py", "how_long_to_wait"),
        ),
    ),
    Mutant(
        "6.6",
        "keeps the address of a limit's rules to itself",
        "acme/refusals.py",
        'links.get("help", ())',
        'links.get("none", ())',
        _tests("acme/test_refusals.py", "a_limit_is_told_with_the_address_of_its_rules"),
    ),
    Mutant(
        "6.7",
        "takes all unknown refusals for the same",
        "acme/refusals.py",
        "return REMEDIES_BY_STATUS.get(status) or (",
        "return (",
        _tests("acme/test_refusals.py", "what_helps"),
    ),
    Mutant(
        "6.7.1",
        "does not hear what is said of each name",
        "acme/reading.py",
        "_some(found.subproblems) if isinstance(found, wire.WireProblem) else ()",
        "_some(None)",
        _tests("acme/test_reading.py", "subproblems_keep_their_names"),
    ),
    Mutant(
        "7.1.3",
        "cannot live without an end of the order",
        "acme/reading.py",
        "        moment = msgspec.convert(value, datetime)\n    except (msgspec.MsgspecError, ValueError):\n",
        "        moment = msgspec.convert(value, datetime)\n    except ZeroDivisionError:\n",
        _tests("acme/test_tolerance.py", "an_order_without_anything_optional_is_an_order"),
    ),
    Mutant(
        "7.1.4",
        "wants challenges where all is proven",
        "acme/reading.py",
        "return (entries or [])[:MOST_ENTRIES]",
        "return entries[:MOST_ENTRIES]",
        _tests("acme/test_tolerance.py", "a_valid_authorization_needs_no_challenges"),
    ),
    Mutant(
        "7.1.5",
        "does not take a challenge without status for pending",
        "acme/reading.py",
        'ChallengeStatus(found.status or "pending")',
        'ChallengeStatus(found.status or "")',
        _tests("acme/test_tolerance.py", "an_authorization_without_anything_optional_is_an_authorization"),
    ),
    Mutant(
        "7.1.6",
        "finalizes an order that is not ready",
        "reconcile/decide.py",
        "_await(progress, now) if progress.answered else do.SolveChallenges()",
        "_finalize(progress, now)",
        _tests("reconcile/test_decide.py", "the_state_of_the_order_says_what_is_next"),
    ),
    Mutant(
        "7.2",
        "asks for nonces by GET",
        "acme/flows.py",
        'Request("HEAD", url, _SPOKEN)',
        'Request("GET", url, _SPOKEN)',
        _tests("acme/test_flows.py", "the_first_request_fetches_a_nonce_and_later_ones_use_what_came_back"),
    ),
    Mutant(
        "7.3",
        "agrees to terms unasked",
        "acme/flows.py",
        '{"termsOfServiceAgreed": True} if terms_agreed else {}',
        '{"termsOfServiceAgreed": True}',
        _tests("acme/test_flows.py", "registering_agrees_only_if_a_person_did"),
    ),
    Mutant(
        "7.3.1",
        "registers where it only wanted to look",
        "acme/flows.py",
        '{"onlyReturnExisting": True}',
        "{}",
        _tests("acme/test_flows.py", "an_account_is_found_by_its_key_alone"),
    ),
    Mutant(
        "7.3.3",
        "passes over where the user shall go",
        "acme/refusals.py",
        'f"see {problem.instance}"',
        '""',
        _tests("acme/test_tolerance.py", "the_instance_of_a_problem_is_told_before_the_link_to_the_terms"),
    ),
    Mutant(
        "7.4",
        "orders names as they were typed",
        "acme/flows.py",
        "sorted({name.lower() for name in names})",
        "names",
        _tests("acme/test_flows.py", "an_order_asks_each_name_once_in_order_and_in_lower_case"),
    ),
    Mutant(
        "7.4",
        "does not hear when an order may be ready",
        "acme/refusals.py",
        "look_again_in=retry_after",
        "look_again_in=None",
        _tests("acme/test_tolerance.py", "an_order_that_is_not_ready_is_looked_at_again_when_the_ca_says"),
    ),
    Mutant(
        "7.4.2",
        "does not say which form a chain shall have",
        "acme/flows.py",
        '_CHAIN = {**_JOSE, "accept": "application/pem-certificate-chain"}',
        "_CHAIN = _JOSE",
        _tests("acme/test_flows.py", "a_chain_is_asked_for_by_its_type_and_returned_as_it_came"),
    ),
    Mutant(
        "7.4.2",
        "does not find alternate chains",
        "acme/flows.py",
        '.get("alternate", ())',
        '.get("up", ())',
        _tests("acme/test_flows.py", "other_chains_are_where_the_links_say"),
    ),
    Mutant(
        "7.5.1",
        "answers a challenge with nothing",
        "acme/flows.py",
        "self._post(url, {})",
        "self._post(url, None)",
        _tests("acme/test_flows.py", "a_challenge_is_answered_with_an_empty_object"),
    ),
    Mutant(
        "7.5.1",
        "looks at a proof when it likes",
        "reconcile/solving.py",
        "challenge.retry_after or FIRST_LOOK",
        "FIRST_LOOK",
        _tests(
            "reconcile/test_orders.py",
            "a_proof_is_first_looked_at_when_the_answer_to_its_challenge_says",
        ),
    ),
    Mutant(
        "8.1",
        "turns the key authorization round",
        "acme/jws.py",
        'f"{token}.{self.thumbprint}"',
        'f"{self.thumbprint}.{token}"',
        _tests("acme/test_jws.py", "the_thumbprint_is_that_of_rfc_7638"),
    ),
    Mutant(
        "8.4",
        "publishes the key authorization itself",
        "solver/proofs.py",
        "hashlib.sha256(key_authorization.encode()).digest()",
        "key_authorization.encode()",
        _tests("solver/test_proofs.py", "the_value_is_the_digest_of_the_key_authorization"),
    ),
    Mutant(
        "10",
        "lets any token into a path",
        "acme/wording.py",
        "[A-Za-z0-9_-]{1,1024}",
        ".{1,1024}",
        _tests("acme/test_reading.py", "a_token_that_could_do_harm_is_not_understood"),
    ),
    Mutant(
        "ARI 4.1",
        "drops the leading byte of a serial",
        "pki/leaf.py",
        "serial.bit_length() // 8 + 1",
        "(serial.bit_length() + 7) // 8",
        _tests("pki/test_leaf.py", "the_renewal_id_is_that_of_rfc_9773"),
    ),
    Mutant(
        "ARI 4.2",
        "takes a window that ends before it begins",
        "acme/reading.py",
        " or end <= start:",
        ":",
        _tests("acme/test_reading.py", "a_window_that_cannot_be_used_is_no_answer"),
    ),
    Mutant(
        "ARI 4.3",
        "asks for advice as often as the CA says",
        "reconcile/renewal.py",
        "min(max(wish, min(SOONEST_POLL, ceiling)), LATEST_POLL, ceiling)",
        "wish",
        _tests("reconcile/test_advice_rules.py", "retry_after_says_when_within_a_minute_and_a_day"),
    ),
    Mutant(
        "ARI 5",
        "names a predecessor to CAs that do not keep track",
        "acme/flows.py",
        "if replaces and self.directory.renewal_info:",
        "if replaces:",
        _tests("acme/test_flows.py", "an_order_names_its_predecessor_only_where_the_ca_keeps_track"),
    ),
)
