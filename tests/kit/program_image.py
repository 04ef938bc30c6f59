"""Images of single static programs, written without any tool for images."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_USER = "65532:65532"


def write_program_image(archive: Path, name: str, program: Path) -> Path:
    """Write an archive that container runtimes import: an image that holds the program and /tmp, and starts it.

    The form is that of `docker save`: a manifest, a configuration and the layer.

    Args:
        archive: the file to write.
        name: of the image, with its tag.
        program: linked statically.
    """
    layer = archive.with_suffix(".layer")
    with tarfile.open(layer, "w") as tar:
        temporary = tarfile.TarInfo("tmp")
        temporary.type, temporary.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(temporary)
        with program.open("rb") as content:
            tar.addfile(_entry(program.name, program.stat().st_size, 0o755), content)
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    configuration = _configuration(program.name, digest)
    file = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = [{"Config": file, "RepoTags": [name], "Layers": [f"{digest}.tar"]}]
    with tarfile.open(archive, "w") as tar:
        for each, data in ((file, configuration), ("manifest.json", json.dumps(manifest).encode())):
            tar.addfile(_entry(each, len(data)), io.BytesIO(data))
        with layer.open("rb") as content:
            tar.addfile(_entry(f"{digest}.tar", layer.stat().st_size), content)
    layer.unlink()
    return archive


def _configuration(program: str, digest: str) -> bytes:
    content = {
        "architecture": _ARCHITECTURES[platform.machine()],
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": {"Entrypoint": [f"/{program}"], "User": _USER, "Env": ["PATH=/"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z"}],
    }
    return json.dumps(content).encode()


def _entry(name: str, size: int, mode: int = 0o644) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, mode
    return entry
