"""What a real CA answers, recorded from Pebble: where the fuzzer starts."""

from __future__ import annotations

import tempfile
import time
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from certwright.acme.flow import drive
from certwright.acme.flows import Conversation, fetch_directory
from certwright.acme.jws import AccountKey, generate_account_key
from certwright.acme.nonces import NoncePool
from certwright.acme.transport import HttpTransport
from certwright.failures import Setback
from certwright.pki.csr import csr_der
from certwright.pki.keys import generate_key
from tests.fuzz.room import sealed
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings

if TYPE_CHECKING:
    from certwright.acme.flow import Request, Response


def record(folder: Path) -> int:
    """Write one file for each answer of a whole issuance; how many."""
    answers: list[Response] = []
    with (
        tempfile.TemporaryDirectory() as place,
        Pebble.start(Path(place), PebbleSettings(always_valid=True)) as pebble,
    ):
        transport = HttpTransport(
            pebble.ca_pem.encode(),
            user_agent="fuzz",
            permitted=[ip_network("127.0.0.0/8"), ip_network("::1/128")],
        )

        def carry(request: Request, /) -> Response:
            answers.append(transport(request))
            return answers[-1]

        directory = drive(fetch_directory(pebble.directory_url), carry)
        talk = Conversation(directory, NoncePool(time.monotonic), AccountKey.from_pem(generate_account_key()))
        drive(talk.register((), terms_agreed=True), carry)
        order = drive(talk.new_order(["a.example.org"]), carry)
        for url in order.authorizations:
            found = drive(talk.fetch_authorization(url), carry)
            drive(talk.answer_challenge(found.challenges[0].url), carry)
        request = csr_der(generate_key("ECDSA"), ["a.example.org"])
        with suppress(Setback):  # "orderNotReady" is an answer, too
            drive(talk.finalize(order.finalize, order.url, request), carry)
        drive(talk.fetch_order(order.url), carry)
        transport.close()
    for number, answer in enumerate(answers):
        (folder / f"recorded-{number:02}").write_bytes(sealed(answer))
    return len(answers)
