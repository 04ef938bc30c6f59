"""Lays out the root of the image: the interpreter, what it loads, and the program; nothing else.

Runs in the Dockerfile's build stage with nothing but the standard library:
`root_tree.py ENVIRONMENT PACKAGE LICENSE ROOT`. ENVIRONMENT is a virtual environment with the locked
dependencies, PACKAGE the folder `certwright`, ROOT the tree to make.
"""

from __future__ import annotations

import compileall
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

#: Parts of the standard library that serve developing, not running.
_NOT_NEEDED = ("test", "idlelib", "tkinter", "turtledemo", "lib2to3", "ensurepip", "pydoc_data", "config-*")
#: Parts of dependencies that nothing here imports, and that are large: the official client a second time, for asyncio.
_UNUSED = ("kubernetes/aio",)
_NOT_OURS = ("site-packages", "dist-packages", "__pycache__")

_START = """\
#!{python}
from certwright.cli.main import main

main()
"""

_ETC = {
    "passwd": "root:x:0:0:root:/:/sbin/nologin\ncertwright:x:65532:65532:certwright:/:/sbin/nologin\n",
    "group": "root:x:0:\ncertwright:x:65532:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


class RootTree:
    """The tree under construction."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True)
        for link in ("lib", "lib64", "bin", "sbin"):  # a merged /usr, as the base has it
            place = Path("/", link)
            if place.is_symlink():
                (root / link).symlink_to(place.readlink())
                self.inside(place.resolve()).mkdir(parents=True, exist_ok=True)

    def inside(self, path: Path) -> Path:
        """Where a path of the base is in the tree."""
        return self._root / path.relative_to("/")

    def take(self, path: Path) -> None:
        """Copy a file with its links, whose parents may be links too."""
        path = path.parent.resolve() / path.name
        copy = self.inside(path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.is_symlink() and not copy.exists():
            shutil.copy2(path, copy, follow_symlinks=False)
        if path.is_symlink():
            self.take(path.parent / path.readlink())

    def take_folder(self, path: Path, *left_out: str) -> None:
        """Copy a folder without the names left out."""
        ignored = shutil.ignore_patterns(*left_out)
        shutil.copytree(path, self.inside(path), symlinks=True, ignore=ignored, dirs_exist_ok=True)

    def take_libraries(self) -> None:
        """Copy every shared library that a program or module in the tree asks for, and the loader."""
        asking = [file for file in self._root.rglob("*") if file.is_file() and _is_elf(file)]
        told = subprocess.run(["ldd", *asking], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
        for library in sorted(set(re.findall(r"(/\S+) \(0x", told))):
            if not Path(library).is_relative_to(self._root):
                self.take(Path(library))
        missing = sorted(set(re.findall(r"(\S+) => not found", told)))
        # Modules find the libraries that came in their own wheels by a path relative to where they are.
        if unknown := [name for name in missing if not list(self._root.rglob(name))]:
            sys.exit(f"the base has no {', '.join(unknown)}, which a module needs; take a fuller base")

    def compile(self) -> None:
        """Put bytecode beside every module that trusts its source unseen: times in images are not kept."""
        for folder in ("usr", "opt"):
            compileall.compile_dir(
                self._root / folder,
                maxlevels=30,
                quiet=2,  # templates for other versions of Python do not compile
                stripdir=str(self._root),
                prependdir="/",
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
                workers=1,
            )

    def finish(self) -> None:
        """Names of users, a place for temporary files, and the index of libraries."""
        etc = self._root / "etc"
        etc.mkdir(exist_ok=True)
        for name, text in _ETC.items():
            (etc / name).write_text(text)
        (self._root / "tmp").mkdir()
        (self._root / "tmp").chmod(0o1777)
        for file in ("/etc/os-release", "/etc/ssl/certs/ca-certificates.crt", "/etc/ld.so.conf"):
            if Path(file).exists():
                self.take(Path(file))
        if Path("/etc/ld.so.conf.d").is_dir():
            self.take_folder(Path("/etc/ld.so.conf.d"))
        subprocess.run(["/sbin/ldconfig", "-X", "-r", self._root], check=True)  # noqa: S603 - our own tree
        shutil.rmtree(self._root / "var", ignore_errors=True)  # ldconfig's notes on inodes and times


def _is_elf(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4) == b"\x7fELF"


def _install_program(environment: Path, package: Path) -> None:
    """Put the package into the environment, and leave one command there."""
    python = environment / "bin" / "python"
    site = next(environment.glob("lib/python3.*/site-packages"))
    # Links are followed: the CRDs stand elsewhere in the repository.
    shutil.copytree(package, site / package.name)
    for part in _UNUSED:
        shutil.rmtree(site / part)  # when it moves, this fails instead of letting the image grow
    for command in (environment / "bin").iterdir():
        if not command.name.startswith("python"):
            command.unlink()
    start = environment / "bin" / "certwright"
    start.write_text(_START.format(python=python))
    start.chmod(0o755)


def main() -> None:
    """Do it."""
    environment, package, licence, root = map(Path, sys.argv[1:])
    _install_program(environment, package)
    tree = RootTree(root)
    tree.take_folder(environment)
    tree.take(environment / "bin" / "python")
    tree.take_folder(Path(sysconfig.get_path("stdlib")), *_NOT_NEEDED, *_NOT_OURS)
    tree.take_libraries()
    tree.compile()
    tree.finish()
    documents = root / "usr/share/doc/certwright"
    documents.mkdir(parents=True)
    shutil.copy(licence, documents)


if __name__ == "__main__":
    main()
