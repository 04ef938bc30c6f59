"""A real ACME certificate authority on loopback: Pebble, mended so that it does not hang."""

from __future__ import annotations

import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import requests

from tests.kit import pebble_log
from tests.kit.authority import Authority
from tests.kit.binaries import locate
from tests.kit.pebble_settings import PebbleSettings
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.processes import Process

if TYPE_CHECKING:
    from pathlib import Path

    from requests import Response

_START_SECONDS = 30


class PebbleHangs(Exception):  # noqa: N818 - named by what happened
    """Pebble runs but does not answer. It was made to write the stacks of all its goroutines into its log."""


class Pebble:
    """A running Pebble; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        directory_url: what an ACME client is given.
        ca_pem: the certificate to verify Pebble's own HTTPS with (an Issuer's caBundle); not what it issues.
        ca_file: the same in a file.
        settings: how it behaves now.
        log: the file with everything it said, through all restarts.
        process: the program, to send it signals.
    """

    def __init__(self, directory: Path, authority: Authority, settings: PebbleSettings) -> None:
        self.settings = settings
        self.ca_pem = authority.pem
        self.ca_file = authority.file
        self.log = directory / "pebble.log"
        self._config = directory / "pebble.json"
        self._serving = authority.serving("pebble", LOOPBACK, "localhost")
        self._acme = f"{LOOPBACK}:{free_port()}"
        self._management = f"{LOOPBACK}:{free_port()}"
        self.directory_url = f"https://{self._acme}/dir"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(authority.file)
        self.process = self._run()

    @classmethod
    def start(
        cls,
        directory: Path,
        settings: PebbleSettings = PebbleSettings(),  # noqa: B008 - frozen
        authority: Authority | None = None,
    ) -> Self:
        """Start a Pebble and wait until it answers.

        Args:
            directory: an own folder for configuration, keys and log.
            settings: how it shall behave.
            authority: issues the certificate it listens with; left out, it gets one of its own.

        Raises:
            WaitedInVain, EndedEarly: it did not come up; the message has the end of its log.
        """
        directory.mkdir(parents=True, exist_ok=True)
        return cls(directory, authority or Authority.found(directory / "pki"), settings)

    def stop(self) -> None:
        """End it."""
        self._session.close()
        self.process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def restart(self, settings: PebbleSettings | None = None) -> None:
        """Crash and come back at the same addresses, having forgotten accounts, orders and its own root.

        Args:
            settings: behave like this from now on.
        """
        self.process.kill()
        self.settings = settings or self.settings
        self.process = self._run()

    def root_pem(self, number: int = 0) -> str:
        """The root under which it issues; with alternate roots, 1 and up are theirs."""
        return str(self._manage("GET", f"/roots/{number}").text)

    def set_renewal_info(
        self, certificate_pem: str, start: datetime, end: datetime, explanation_url: str | None = None
    ) -> None:
        """Suggest when to renew one certificate (RFC 9773 §4.2).

        Args:
            certificate_pem: the certificate, or a chain that begins with it.
            start: of the window; must know its time zone.
            end: of the window.
            explanation_url: why, for people.
        """
        answer: dict[str, Any] = {
            "suggestedWindow": {"start": start.isoformat(), "end": end.isoformat()},
        }
        if explanation_url:
            answer["explanationURL"] = explanation_url
        self.set_renewal_answer(certificate_pem, json.dumps(answer))

    def call_for_renewal(self, certificate_pem: str) -> None:
        """Suggest to renew one certificate now, as a CA does before it revokes.

        The window reaches one second ahead, so that it was never over before a fresh certificate began.
        """
        now = datetime.now(UTC)
        self.set_renewal_info(certificate_pem, now - timedelta(hours=1), now + timedelta(seconds=1))

    def set_renewal_answer(self, certificate_pem: str, answer: str) -> None:
        """Answer questions for this certificate's renewal information with any text, be it garbage."""
        body = {"certificate": certificate_pem, "ariResponse": answer}
        self._manage("POST", "/set-renewal-info/", body)

    def mark(self) -> pebble_log.Mark:
        """Remember this moment of the log."""
        return pebble_log.Mark(self.log.stat().st_size)

    def requests(self, since: pebble_log.Mark = pebble_log.Mark(0)) -> pebble_log.PebbleRequests:  # noqa: B008
        """What clients asked for since the mark."""
        with self.log.open("rb") as log:
            log.seek(since)
            return pebble_log.read(log.read().decode(errors="replace").splitlines())

    def must_answer(self, timeout: float = 5.0) -> None:
        """Check that it runs and answers, so that a test says what is wrong instead of timing out.

        Both the front door and the store are tried: a deadlock in Pebble leaves the directory in order.

        Args:
            timeout: seconds for each of two answers.

        Raises:
            PebbleHangs: it does not answer; it is ended for the sake of its goroutines' stacks.
            EndedEarly: it does not run.
        """
        self.process.must_run()
        try:
            self._session.get(self.directory_url, timeout=timeout)
            self._session.get(f"https://{self._management}/cert-status-by-serial/1", timeout=timeout)
        except requests.RequestException as problem:
            self.process.send(signal.SIGQUIT)
            self.process.send(signal.SIGCONT)  # a stopped process takes no other signal
            self.process.wait()
            raise PebbleHangs(
                f"Pebble hangs: no answer in {timeout:g} s ({problem}). "
                f"What each goroutine was waiting for stands at the end of {self.log}"
            ) from problem

    def _run(self) -> Process:
        self.settings.write(self._config, acme=self._acme, management=self._management, serving=self._serving)
        command = [str(locate().pebble), "-config", str(self._config), *self.settings.arguments()]
        process = Process.start("pebble", command, self.log, self.settings.environment(), grace_seconds=0)

        def answers() -> bool:
            return self._session.get(self.directory_url, timeout=5).ok and bool(self.root_pem())

        process.await_ready(answers, "Pebble to answer", _START_SECONDS, (requests.RequestException,))
        return process

    def _manage(self, method: str, path: str, body: Any = None) -> Response:
        answer = self._session.request(method, f"https://{self._management}{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer
