"""Scenario `client`: what one signed request costs the operator's ACME client, and what it could cost at least.

The client is the real one: `Conversation`, `drive` and `HttpTransport` with TLS, ES256 and nonces, over connections
that are kept, in as many threads as the operator has workers. What it is compared with sends a request of the same
length over the same TLS and reads the whole answer.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from certwright.acme.flow import Request, drive
from certwright.acme.flows import Conversation, fetch_directory
from certwright.acme.jws import AccountKey, generate_account_key
from certwright.acme.nonces import NoncePool
from certwright.acme.transport import HttpTransport
from tests.bench import floors
from tests.bench.cost import Work, costs, pinned
from tests.bench.idle_ca import IdleCa, idle_ca

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certwright.acme.flow import Transport
    from tests.bench.cost import Cost

NAME = "client"
COUNT = 500
ROUNDS = 10
#: As many as the operator has workers, unless it is told otherwise.
THREADS = 32
_HEADERS = {"content-type": "application/jose+json", "accept": "application/json", "accept-language": "en"}
_SIGNING, _FLOOR, _ANEW = "signing", "http.client, kept", "http.client, new connection each"
_ONE, _MANY = "client, 1 thread", "client, {} threads"
_PERMITTED = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def measure(count: int = COUNT, rounds: int = ROUNDS, threads: int = THREADS) -> dict[str, Any]:
    """Run it; counts, seconds of CPU, and ratios.

    Args:
        count: requests in one round, fewer where a request is slow.
        rounds: through all that is compared.
        threads: that share the client in its last part.
    """
    cores = pinned()
    with idle_ca(cores[1] if cores else None) as ca, ExitStack() as open_ones:
        client = open_ones.enter_context(_client(ca, threads))
        works = [
            Work(_SIGNING, client.sign),
            Work(_FLOOR, open_ones.enter_context(floors.kept_connection(ca, client.message))),
            Work(_ANEW, floors.new_connections(ca, client.message), 0.2),
            Work("urllib3, kept", open_ones.enter_context(floors.through_urllib3(ca, client.message))),
            Work("requests, kept", open_ones.enter_context(floors.through_requests(ca, client.message))),
            Work("transport alone, 1 thread", client.carry),
            Work(_ONE, client.ask),
            Work(_MANY.format(threads), client.ask_in_threads),
        ]
        for work in works:
            work.do(max(1, count // 20))  # connections, nonces and caches as they are after the first minute
        found = costs(works, count, rounds)
        counts = _counts(ca, count, threads)
    return {
        "scenario": NAME,
        "pinned": cores is not None,
        "costs": [vars(cost) | {"per_cpu_second": round(1 / cost.cpu)} for cost in found.values()],
        "ratios": _ratios(found, _MANY.format(threads)),
        "counts": counts,
    }


def table(result: Mapping[str, Any]) -> str:
    """The result for people."""
    floor = next(each["cpu"] for each in result["costs"] if each["name"] == _FLOOR)
    lines = [f"{'':<34}{'times':>7}{'CPU ms':>9}{'ratio':>7}{'per CPU s':>11}{'per s':>8}"]
    lines += [
        f"{each['name']:<34}{each['times']:>7}{each['cpu'] * 1e3:>9.3f}{each['cpu'] / floor:>7.2f}"
        f"{each['per_cpu_second']:>11}{1 / each['wall']:>8.0f}"
        for each in result["costs"]
    ]
    lines += [f"{name}: {value}" for part in ("ratios", "counts") for name, value in result[part].items()]
    if not result["pinned"]:
        lines.append("this machine pins no process to a core")
    return "\n".join(lines)


def _ratios(found: Mapping[str, Cost], many: str) -> dict[str, float]:
    least = found[_SIGNING].cpu + found[_FLOOR].cpu
    return {
        "client / (signing + http.client)": round(found[_ONE].cpu / least, 2),
        f"{many} / 1 thread": round(found[many].cpu / found[_ONE].cpu, 2),
        "new connection / kept": round(found[_ANEW].cpu / found[_FLOOR].cpu, 2),
    }


class _Client:
    """The operator's client with an account, over one transport."""

    def __init__(self, ca: IdleCa, transport: Transport, threads: int) -> None:
        self._transport = transport
        self._threads = threads
        self._key = AccountKey.from_pem(generate_account_key())
        self._order = ca.url("/order/1")
        directory = drive(fetch_directory(ca.url("/directory")), transport)
        self.talk = Conversation(directory, NoncePool(time.monotonic), self._key)
        drive(self.talk.register((), terms_agreed=True), transport)
        self.message = self._signed()

    def _signed(self) -> bytes:
        return self._key.sign(b"", self._order, "n" * 22, self.talk.account_url)

    def sign(self, times: int) -> None:
        for _ in range(times):
            self._signed()

    def carry(self, times: int) -> None:
        """The same messages, signed already."""
        request = Request("POST", self._order, _HEADERS, self.message)
        for _ in range(times):
            self._transport(request)

    def ask(self, times: int) -> None:
        """Fetch the order: one signed request each time."""
        for _ in range(times):
            drive(self.talk.fetch_order(self._order), self._transport)

    def ask_in_threads(self, times: int) -> None:
        share, rest = divmod(times, self._threads)
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(self.ask, [share + (number < rest) for number in range(self._threads)]))


@contextmanager
def _client(ca: IdleCa, threads: int) -> Iterator[_Client]:
    transport = HttpTransport(ca.ca_pem, user_agent="bench", permitted=_PERMITTED, pool_size=threads)
    yield _Client(ca, transport, threads)
    transport.close()


def _counts(ca: IdleCa, count: int, threads: int) -> dict[str, int]:
    """What the CA sees of a client that begins now: connections and requests, signed or not."""
    before = ca.counts()
    with _client(ca, threads) as client:
        client.ask_in_threads(count)
    after = ca.counts()
    grown = {name: after[name] - before[name] for name in after}
    return {
        "signed requests": count + 1,  # the account's is the first
        "requests in all": grown["requests"] - 1,  # less the look at the counts
        "requests for nonces": grown["nonces_asked"],
        "connections": grown["connections"] - 1,
    }
