"""The image as users build it: small, closed, the same twice, and quick to start as any user."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import pytest
import requests

from certwright import __version__
from tests.kit import operator_process
from tests.kit.control_plane import ControlPlane
from tests.kit.image import ROOT, Image, ImageStore
from tests.kit.operator_process import NAMESPACE
from tests.kit.ports import LOOPBACK, free_port
from tests.kit.processes import Process
from tests.kit.responder_process import ACCOUNT, install_responder
from tests.kit.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.node

MIB = 2**20
#: A third of it is the official Kubernetes client: a module for each kind of each API, with bytecode beside it.
MOST_BYTES = 170 * MIB
START_SECONDS = 3
STARTS = 3
#: Neither the image's own user nor anybody's on this machine.
ANYBODY = "54321:54321"


@pytest.fixture(scope="module")
def root(image: Image, image_store: ImageStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The image's files."""
    folder = image_store.unpacked(image, tmp_path_factory.mktemp("unpacked") / "root")
    yield folder
    shutil.rmtree(folder)


def test_two_builds_give_one_digest(
    image: Image, image_store: ImageStore, tell: Callable[[str], None]
) -> None:
    again = image_store.build("localhost/certwright:again")
    tell(again.digest)
    assert again.digest == image.digest


def test_it_says_what_it_is_and_starts_the_operator_as_nobody_in_particular(
    image: Image, image_store: ImageStore
) -> None:
    config = image_store.configuration(image.name)["config"]
    assert config["Entrypoint"] == ["/opt/certwright/bin/certwright"]
    assert config["Cmd"] == ["run"]
    assert config["User"] == "65532:65532"
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == "certwright"
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert labels["org.opencontainers.image.version"] == __version__
    assert not [value for value in config["Env"] if "pip" in value.lower()]


def test_it_holds_nothing_to_build_or_look_around_with(root: Path) -> None:
    programs = {file.name for file in root.rglob("*") if file.parent.name in ("bin", "sbin")}
    interpreter = {name for name in programs if re.fullmatch(r"python[0-9.]*", name)}
    assert programs - interpreter == {"certwright"}
    modules = {folder.name for folder in root.rglob("*") if folder.is_dir()}
    assert not modules & {"pip", "setuptools", "wheel", "ensurepip", "idlelib", "apt", "dpkg"}


def test_every_module_has_its_bytecode(root: Path) -> None:
    package = root / "opt/certwright/lib"
    sources = {source.stem for source in package.rglob("certwright/**/*.py")}
    compiled = {file.name.partition(".")[0] for file in package.rglob("certwright/**/*.pyc")}
    assert sources
    assert sources == compiled


def test_its_files_are_for_everybody_to_read_and_for_nobody_to_write(root: Path) -> None:
    for file in root.rglob("*"):
        if file.is_symlink() or file == root / "tmp":
            continue
        mode = file.stat().st_mode
        assert mode & 0o004, f"{file} cannot be read by everybody"
        assert not mode & 0o022, f"{file} can be written by others than root"


def test_its_size_stays_what_it_is(root: Path, tell: Callable[[str], None]) -> None:
    sizes = {
        file: file.lstat().st_size for file in root.rglob("*") if file.is_file() and not file.is_symlink()
    }
    client = sum(size for file, size in sizes.items() if "site-packages/kubernetes/" in str(file))
    total = sum(sizes.values())
    tell(f"{total / MIB:.0f} MiB unpacked, of which {client / MIB:.0f} MiB are the Kubernetes client")
    assert total < MOST_BYTES


@pytest.fixture(scope="module")
def plane(fit: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:  # noqa: ARG001
    with ControlPlane.start(tmp_path_factory.mktemp("plane")) as plane:
        operator_process.install(plane)
        install_responder(plane)
        yield plane


@pytest.mark.parametrize(
    ("account", "command", "port_flag"),
    [("certwright", "run", "--listen-port"), (ACCOUNT, "respond", "--health-port")],
)
def test_it_is_ready_soon_as_any_user_with_a_read_only_root(  # noqa: PLR0917 - fixtures
    root: Path,
    plane: ControlPlane,
    tmp_path: Path,
    tell: Callable[[str], None],
    account: str,
    command: str,
    port_flag: str,
) -> None:
    config = plane.service_account_kubeconfig(NAMESPACE, account).read_text()
    seconds = []
    for number in range(STARTS):
        port = free_port()
        flags = [f"{port_flag}={port}", *(["--port=0"] if command == "respond" else [])]
        with _in_the_image(root, tmp_path / f"{number}", config, command, *flags) as (process, began):
            eventually(partial(_is_ready, port), "it to be ready", 60, explain=process.last_words)
            seconds.append(monotonic() - began)
    tell(f"certwright {command} is ready after {', '.join(f'{each:.2f}' for each in seconds)} s")
    # The best of them, as the others tell what else the machine was doing.
    assert min(seconds) < START_SECONDS


@contextmanager
def _in_the_image(
    root: Path, directory: Path, kubeconfig: str, *args: str
) -> Iterator[tuple[Process, float]]:
    """Run the image's program in its root, which cannot be written to, with the network of this machine."""
    directory.mkdir()
    given = directory / "kubeconfig"
    given.write_text(kubeconfig)
    script = Path(__file__).with_name("in_the_image.sh")
    own = ["unshare", "--mount", "sh", str(script), str(root), str(given), ANYBODY]
    inside = [*own, *args, f"--namespace={NAMESPACE}"]
    began = monotonic()
    process = Process.start(args[0], inside, directory / "log")
    try:
        yield process, began
        process.must_run()
    finally:
        process.stop()


def _is_ready(port: int) -> bool:
    try:
        return requests.get(f"http://{LOOPBACK}:{port}/readyz", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_whole_lock_can_be_had_for_arm64(tmp_path: Path, python: str) -> None:
    """Without building anything; 3.11 is the oldest that is supported, 3.13 the Dockerfile's own."""
    asked = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    wanted = ["--only-binary=:all:", "--platform=manylinux2014_aarch64", f"--python-version={python}"]
    locked = ["--require-hashes", "--requirement", str(ROOT / "requirements.lock"), "--dest", str(tmp_path)]
    done = subprocess.run([*asked, *wanted, *locked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("cryptography-*aarch64.whl"))


def test_the_version_is_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert project == __version__
    assert f"ARG VERSION={project}\n" in (ROOT / "Dockerfile").read_text()
