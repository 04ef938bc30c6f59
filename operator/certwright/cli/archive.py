"""Files as one archive, the same for the same contents and time. Pure."""

from __future__ import annotations

import gzip
import re
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


def packed(files: Mapping[str, str], folder: str, moment: datetime) -> bytes:
    """A tar.gz of texts by path, under one folder, in the order of their paths; what is unpacked is its owner's."""
    seconds = int(moment.timestamp())
    plain, whole = BytesIO(), BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(files):
            content = files[path].encode(errors="replace")
            member = tarfile.TarInfo(f"{folder}/{path}")
            member.size, member.mtime, member.mode = len(content), seconds, 0o600
            archive.addfile(member, BytesIO(content))
    with gzip.GzipFile(filename="", fileobj=whole, mode="wb", mtime=seconds) as compressed:
        compressed.write(plain.getvalue())
    return whole.getvalue()


def as_part_of_a_path(name: str) -> str:
    """A name of the cluster as one part of a path, whatever is in it."""
    return re.sub(r"[^A-Za-z0-9.-]", "_", name).strip(".") or "_"
