"""The whole bench: a Kubernetes API server, an ACME CA, and the DNS server that both worlds share.

One Python API for all who need it: fixtures of pytest, `make demo`, and `python -m tests.kit up` for a shell.

    with Bench.start(directory) as bench:
        bench.control_plane.kubectl("apply", "-f", "issuer.yaml")

Everything is a real program on a free loopback port with generated certificates, everything it writes is in
the directory, and everything is gone when the bench is, however that ends.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from tests.kit.control_plane import ControlPlane
from tests.kit.nameserver import NameServer, start_nameserver
from tests.kit.pebble import Pebble
from tests.kit.pebble_settings import PebbleSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: The zone of examples (RFC 6761 §6.2: .test never exists elsewhere).
DEMO_ZONES = ("example.test",)


@dataclass
class Bench:
    """A running bench; `start` makes one, `stop` or leaving a `with` block ends it.

    Attributes:
        directory: everything that the servers write, each in a folder of its own.
        nameserver: authoritative for the bench's zones; takes updates.
        pebble: validates through the name server.
        control_plane: knows nothing of the other two; the operator brings them together.
    """

    directory: Path
    nameserver: NameServer
    pebble: Pebble
    control_plane: ControlPlane
    _servers: ExitStack = field(repr=False)

    @classmethod
    def start(
        cls,
        directory: Path,
        nameserver: NameServer | None = None,
        *,
        zones: Sequence[str] = DEMO_ZONES,
        pebble: PebbleSettings = PebbleSettings(),  # noqa: B008 - frozen
        controller_manager: bool = True,
    ) -> Self:
        """Start all servers and wait until they are ready, a few seconds in all.

        Args:
            directory: an own, empty folder.
            nameserver: one that runs already; it is stopped with the bench. Left out, our own is started.
            zones: of the name server that is started here.
            pebble: how the CA shall behave; it asks the bench's name server unless this names another.
            controller_manager: see `ControlPlane.start`.

        Raises:
            WaitedInVain, EndedEarly: a server did not become ready. What had been started is stopped again.
        """
        with ExitStack() as servers:
            nameserver = nameserver or start_nameserver(zones)
            servers.callback(nameserver.stop)
            resolver = pebble.dns_server or f"{nameserver.host}:{nameserver.port}"
            ca = servers.enter_context(
                Pebble.start(directory / "pebble", replace(pebble, dns_server=resolver))
            )
            cluster = ControlPlane.start(directory / "control-plane", controller_manager)
            servers.enter_context(cluster)
            return cls(directory, nameserver, ca, cluster, servers.pop_all())

    def stop(self) -> None:
        """End all servers, the last started first."""
        self._servers.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
