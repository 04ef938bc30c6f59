"""Builds the real Dockerfile with buildah, without a daemon and without a registry."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.kit.image_base import base_archive

ROOT = Path(__file__).parents[2]
_BASE = "localhost/certwright-base:1"
#: What pip may have been told on this machine and needs inside the build as well.
_PIP_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "cert")


class BuildFailed(Exception):  # noqa: N818 - named by what happened
    """buildah refused; the message ends with what it said."""


@dataclass(frozen=True)
class Image:
    """An image in buildah's store.

    Attributes:
        name: with its tag.
        digest: of its manifest.
    """

    name: str
    digest: str


class ImageStore:
    """buildah's store in a folder of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def build(self, name: str, root: Path = ROOT) -> Image:
        """Build the Dockerfile; nothing is taken from a cache, so that twice means twice.

        Args:
            name: with its tag.
            root: of the repository, or of another state of it.

        Raises:
            BuildFailed: the Dockerfile or the package index refused.
            image_base.NoBase: there is no base to build on.
        """
        if not self._buildah("images", "--quiet", "--filter", f"reference={_BASE}").strip():
            self._bring_base()
        self._buildah(
            "build",
            "--isolation=chroot",
            "--timestamp=0",
            "--no-cache",
            f"--build-arg=BASE={_BASE}",
            *self._pip_secrets(),
            f"--tag={name}",
            f"--file={root / 'Dockerfile'}",
            str(root),
        )
        return Image(name, self.inspect(name)["FromImageDigest"])

    def with_program(self, image: Image, package: Path, name: str) -> Image:
        """An image with another state of our program in it; much quicker than to build it, where all else is equal.

        Args:
            image: to take all else from.
            package: the folder certwright.
            name: of the new one, with its tag.
        """
        container = self._buildah("from", "--pull-never", image.name).strip()
        try:
            mounted = Path(self._buildah("mount", container).strip())
            (there,) = (mounted / "opt" / "certwright" / "lib").glob("python3*/site-packages/certwright")
            shutil.rmtree(there)
            shutil.copytree(package, there, ignore=shutil.ignore_patterns("__pycache__"))
            self._buildah("commit", "--quiet", container, name)
        finally:
            self._buildah("rm", container)
        return Image(name, self.inspect(name)["FromImageDigest"])

    def inspect(self, name: str) -> dict[str, str]:
        """What buildah knows of an image."""
        found: dict[str, str] = json.loads(self._buildah("inspect", "--type=image", name))
        return found

    def configuration(self, name: str) -> dict[str, Any]:
        """The image's OCI configuration: user, environment, labels, layers."""
        found: dict[str, Any] = json.loads(self.inspect(name)["Config"])
        return found

    def archive(self, image: Image, file: Path) -> Path:
        """Write an image as a file that container runtimes import."""
        file.unlink(missing_ok=True)
        self._buildah("push", "--quiet", image.name, f"docker-archive:{file}:{image.name}")
        return file

    def unpacked(self, image: Image, folder: Path) -> Path:
        """The image's root as a folder."""
        container = self._buildah("from", "--pull-never", image.name).strip()
        try:
            mounted = self._buildah("mount", container).strip()
            shutil.copytree(mounted, folder, symlinks=True)
        finally:
            self._buildah("rm", container)
        return folder

    def _bring_base(self) -> None:
        container = self._buildah("from", "scratch").strip()
        self._buildah("add", "--quiet", container, str(base_archive()), "/")
        self._buildah("commit", "--quiet", "--timestamp=0", container, _BASE)
        self._buildah("rm", container)

    def _pip_secrets(self) -> list[str]:
        """The machine's own settings of pip, so that the build reaches the same package index by the same way."""
        told = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
        ).stdout
        found = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
        settings = {}
        for name in _PIP_SETTINGS:
            for where in ("global", "install", ":env:"):
                if (value := found.get(f"{where}.{name}")) is not None:
                    settings[name] = value.strip("'")
        secrets = []
        if bundle := settings.pop("cert", None) or os.environ.get("SSL_CERT_FILE"):
            secrets.append(f"--secret=id=ca.pem,src={bundle}")
            settings["cert"] = "/run/secrets/ca.pem"
        parser = configparser.ConfigParser(interpolation=None)
        parser["global"] = settings
        file = self._directory / "pip.conf"
        with file.open("w") as opened:
            parser.write(opened)
        return [*secrets, f"--secret=id=pip.conf,src={file}"]

    def _buildah(self, *args: str) -> str:
        store = (f"--root={self._directory / 'store'}", f"--runroot={self._directory / 'run'}")
        command = ["buildah", "--storage-driver=vfs", *store, *args]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip()[-4000:]
            raise BuildFailed(f"buildah {args[0]} failed:\n{said}")
        return done.stdout
