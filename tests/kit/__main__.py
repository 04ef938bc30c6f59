"""Our tools for a shell: start the bench or only build it, make the chart's page and the files of a release."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path

from tests.kit import chart_readme, release_files
from tests.kit.bench import DEMO_ZONES, Bench
from tests.kit.binaries import helm, locate
from tests.kit.go_build import built
from tests.kit.helm import HelmFailed


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.kit", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build what this machine lacks, and print where every program is")
    up = commands.add_parser("up", help="start all servers and keep them until Ctrl-C")
    up.add_argument(
        "--directory", type=Path, help="keep data and logs here (left out: in a temporary folder)"
    )
    up.add_argument("--zone", action="append", help=f"a DNS zone to serve; may be repeated ({DEMO_ZONES[0]})")
    commands.add_parser("chart-readme", help="write the chart's README.md anew, from its values.yaml")
    release = commands.add_parser(
        "release-files", help="write crds.yaml and certwright.yaml for kubectl apply"
    )
    release.add_argument("--directory", type=Path, default=Path("dist"), help="where to (%(default)s)")
    release.add_argument(
        "--registry", default="", help="of the image, with its path: registry.example.com/tools"
    )
    release.add_argument("--tag", default="", help="of the image (left out: the chart's version)")
    given = parser.parse_args()
    if given.command == "build":
        programs = asdict(locate()) | {"helm": helm(), "step-ca": built("step-ca")}
        _say("\n".join(f"{name}: {path}" for name, path in programs.items()))
    elif given.command == "chart-readme":
        chart_readme.README.write_text(chart_readme.page())
    elif given.command == "release-files":
        try:
            _say("\n".join(map(str, release_files.write(given.directory, given.registry, given.tag))))
        except HelmFailed as problem:
            sys.exit(str(problem))
        if not given.registry:
            _say("The image has no registry in it; REGISTRY=registry.example.com/tools names yours.")
    elif given.directory:
        _up(given.directory.absolute(), given.zone or DEMO_ZONES)
    else:
        with tempfile.TemporaryDirectory(prefix="certwright-bench-") as directory:
            _up(Path(directory), given.zone or DEMO_ZONES)


def _up(directory: Path, zones: tuple[str, ...]) -> None:
    locate()
    began = time.monotonic()
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    with Bench.start(directory, zones=zones) as bench:
        _say(f"# ready in {time.monotonic() - began:.1f} s; Ctrl-C ends everything. Logs: {directory}")
        _say(_description(bench))
        told.wait()


def _description(bench: Bench) -> str:
    """Where everything is, as lines that a shell can take."""
    dns = bench.nameserver
    facts = {
        "KUBECONFIG": bench.control_plane.kubeconfig(),
        "ACME_DIRECTORY": bench.pebble.directory_url,
        "ACME_CA_FILE": bench.pebble.ca_file,
        "DNS_SERVER": f"{dns.host}:{dns.port}",
        "DNS_ZONES": ",".join(dns.zones),
        "TSIG_NAME": dns.tsig_name,
        "TSIG_ALGORITHM": dns.tsig_algorithm,
        "TSIG_SECRET": dns.tsig_secret,
    }
    return "\n".join(f"export {name}={value}" for name, value in facts.items())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
