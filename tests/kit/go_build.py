"""Builds the bench's programs from the Go modules in go/ and keeps them outside the repository.

All servers share one go.mod and one set of flags, so that Go compiles what they have in common once. Cold, on two
cores, all of them take about ten minutes; afterwards nothing is built until go/ changes. What would move versions
there has a module of its own, in a folder of its name: helm and step-ca take two more minutes each, CoreDNS one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kit.go_toolchain import MODULE, find_go

if TYPE_CHECKING:
    from collections.abc import Iterator

_PEBBLE_MODULE = "github.com/letsencrypt/pebble/v2"
_PEBBLE_PATCH = MODULE / "pebble.patch"

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    "pebble": f"{_PEBBLE_MODULE}/cmd/pebble",
    "pebble-challtestsrv": f"{_PEBBLE_MODULE}/cmd/pebble-challtestsrv",
}

#: Programs whose module is a folder in go/.
OWN_MODULES = {
    "coredns": ".",
    "helm": "helm.sh/helm/v4/cmd/helm",
    "pause": ".",
    "step-ca": "github.com/smallstep/certificates/cmd/step-ca",
}

# Without these the API server calls itself v0.0.0. They must follow the version in go.mod.
_VERSION = "k8s.io/component-base/version"
_LINKER_FLAGS = f"-s -w -X {_VERSION}.gitVersion=v1.37.2 -X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=37"
#: The same for all programs, since Go compiles anew what is built with other flags.
FLAGS = ("-trimpath", "-ldflags", _LINKER_FLAGS)


class BuildFailed(Exception):  # noqa: N818 - named by what happened
    """A program could not be built; the message ends with what the tools said."""


def built(name: str) -> Path:
    """The program, from the cache or built now; progress goes to standard error.

    Safe to call from several processes at once: one builds, the others wait for it.

    Raises:
        BuildFailed: Go, or the patch for Pebble, refused.
        go_toolchain.NoGo: there is no Go and none could be brought.
    """
    cache = cache_home()
    program = cache / _key(name) / name
    if program.exists():
        return program
    with _one_at_a_time(cache):
        if not program.exists():
            _build_into(program, find_go(cache))
    return program


def cache_home() -> Path:
    """Where built programs are kept (XDG Base Directory Specification: `$XDG_CACHE_HOME` or `~/.cache`)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "certwright" / "binaries"


def _key(name: str) -> str:
    """A name for everything that decides what the program will be."""
    module = _module(name)
    sources = [module / "go.mod", module / "go.sum", *sorted(module.glob("*.go"))]
    ingredients = [
        source.read_bytes() for source in sources if source.exists()
    ]  # pause needs nobody's module
    ingredients += [" ".join(FLAGS).encode(), f"{sys.platform}-{platform.machine()}".encode()]
    if name == "pebble":
        ingredients.append(_PEBBLE_PATCH.read_bytes())
    return hashlib.sha256(b"\0".join(ingredients)).hexdigest()[:16]


def _module(name: str) -> Path:
    return MODULE / name if name in OWN_MODULES else MODULE


@contextmanager
def _one_at_a_time(cache: Path) -> Iterator[None]:
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.stderr.write("bench: another process is building the servers, waiting for it\n")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build_into(program: Path, go: Path) -> None:
    """Build next to the final place and rename, so that a program is there entirely or not at all."""
    began = time.monotonic()
    sys.stderr.write(f"bench: building {program.name} ... ")
    sys.stderr.flush()
    program.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=program.parent) as scratch:
        fresh = Path(scratch) / program.name
        modfile = _mended_pebble(go, Path(scratch)) if program.name == "pebble" else ()
        package = (PACKAGES | OWN_MODULES)[program.name]
        _run([go, "build", *modfile, *FLAGS, "-o", fresh, package], cwd=_module(program.name))
        fresh.rename(program)
    sys.stderr.write(f"{time.monotonic() - began:.0f} s\n")


def _mended_pebble(go: Path, scratch: Path) -> tuple[str, ...]:
    """Lay a patched copy of Pebble's module, and return the flag that makes Go build from it.

    Go's own -overlay would be shorter, but it refuses to replace files in the module cache.
    """
    told = _run([go, "mod", "download", "-json", _PEBBLE_MODULE], cwd=MODULE)
    copy = scratch / "module"
    shutil.copytree(json.loads(told)["Dir"], copy, copy_function=shutil.copyfile)
    for folder in (copy, *filter(Path.is_dir, copy.rglob("*"))):
        folder.chmod(0o755)  # the module cache is read-only, and so would be its copy
    mend(copy)
    modfile = scratch / "go.mod"
    modfile.write_text(f"{(MODULE / 'go.mod').read_text()}\nreplace {_PEBBLE_MODULE} => {copy}\n")
    shutil.copyfile(MODULE / "go.sum", scratch / "go.sum")
    return ("-modfile", str(modfile))


def mend(module: Path) -> None:
    """Apply go/pebble.patch to a copy of Pebble's module.

    Raises:
        BuildFailed: the patch does not fit, so this is not the Pebble that it was written for.
    """
    # In a folder of a git repository (a home may be one) git would silently skip files that it does not find
    # at the repository's root, so it must not look for one.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    _run(
        ["git", "apply", _PEBBLE_PATCH],
        cwd=module,
        env=plain | {"GIT_CEILING_DIRECTORIES": str(module.parent)},
    )


def _run(command: list[str | Path], *, cwd: Path, env: dict[str, str] | None = None) -> str:
    environment = (os.environ if env is None else env) | {"CGO_ENABLED": "0"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildFailed(f"{' '.join(map(str, command))} failed:\n{done.stderr[-4000:].strip()}")
    return done.stdout
