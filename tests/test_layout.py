"""The house and its rules: what lies where, who may import what, and what ships."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
OPERATOR = ROOT / "operator"
PACKAGE = OPERATOR / "certwright"
MODULES = sorted(PACKAGE.rglob("*.py"))
ROOMS = sorted(path.parent for path in MODULES if path.name == "__init__.py")
VAGUE = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}


class Module(NamedTuple):
    name: str
    tree: ast.Module
    text: str

    @property
    def room(self) -> str:
        return self.name.partition("/")[0]

    def imports(self) -> set[str]:
        """First parts of everything that is imported, for types only or not."""
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
        return found

    def outside_types(self) -> set[str]:
        """The same without blocks under TYPE_CHECKING."""
        kept = [
            node
            for node in self.tree.body
            if not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
        ]
        return Module(self.name, ast.Module(kept, []), self.text).imports()


def modules() -> Iterator[Module]:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        yield Module(str(path.relative_to(PACKAGE)), ast.parse(text), text)


ALL = list(modules())


def test_the_source_root_holds_one_package_and_its_pages() -> None:
    """An __init__.py here would shadow the standard library's `operator`."""
    assert {path.name for path in OPERATOR.iterdir()} - {"__pycache__"} == {
        "certwright",
        "CLI.md",
        "INGRESS.md",
        "METRICS.md",
        "README.md",
        "REASONS.md",
        "REFUSALS.md",
        "REQUESTS.md",
        "TROUBLESHOOTING.md",
    }


def test_a_room_has_a_sign_on_its_door_and_nothing_else() -> None:
    for room in ROOMS:
        tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
        (sign, *code) = tree.body
        assert ast.get_docstring(tree), room
        assert isinstance(sign, ast.Expr)
        if room != PACKAGE:
            assert not code, f"{room} has code in its __init__.py"


def test_every_folder_is_a_room_of_at_least_two_modules() -> None:
    folders = {path.parent for path in MODULES}
    assert folders == set(ROOMS)
    assert all(len(list(room.glob("*.py"))) > 2 for room in ROOMS)


def test_every_module_says_what_it_is_for() -> None:
    assert not [module.name for module in ALL if not ast.get_docstring(module.tree)]


def test_no_module_is_a_drawer_for_the_rest() -> None:
    parts = {part for path in MODULES for part in path.relative_to(PACKAGE).with_suffix("").parts}
    assert not {part for part in parts if VAGUE & set(part.split("_"))}


@pytest.mark.parametrize("module", ALL, ids=lambda module: module.name)
def test_a_module_can_be_read_in_one_sitting(module: Module) -> None:
    assert len(module.text.splitlines()) <= 400
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            # click's list of flags is a list, not logic; nor are docstrings.
            told = len((ast.get_docstring(node, clean=False) or "").splitlines())
            assert node.name == "run" or (node.end_lineno or 0) - node.lineno - told < 60, node.name


def test_only_one_room_knows_kopf_and_async() -> None:
    for module in ALL:
        if module.room == "handlers":
            continue
        asynchronous = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
        assert not module.imports() & {"kopf", "aiohttp", "asyncio"}, module.name
        assert not [node for node in ast.walk(module.tree) if isinstance(node, asynchronous)], module.name


def _attributes(module: Module) -> set[str]:
    return {ast.unparse(node) for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)}


def test_only_the_settings_read_the_environment() -> None:
    readers = {
        module.name for module in ALL if _attributes(module) & {"os.environ", "os.environb", "os.getenv"}
    }
    assert readers == {"settings.py"}


def test_only_the_composition_root_owns_the_clock_and_the_dice() -> None:
    """Transport and log measure and stamp; the solver pod and commands for users have roots of their own."""
    clocks = {module.name for module in ALL if {"time"} & module.outside_types()}
    roots = {"app.py", "solver/responder/program.py"}
    transport = {"acme/transport.py", "acme/connections.py"}
    assert clocks <= roots | transport | {"cli/logs.py", "cli/session.py", "metrics/exposition.py"}
    dice = {module.name for module in ALL if {"random", "secrets", "uuid"} & module.outside_types()}
    assert dice == roots
    now = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today"}
    assert {module.name for module in ALL if _attributes(module) & now} == {"app.py", "cli/session.py"}


def test_sleep_is_said_nowhere() -> None:
    """A turn ends with "look again at T"; only kopf's login may pause, in its own loop."""
    sleepers = {module.name for module in ALL if {"time.sleep", "asyncio.sleep"} & _attributes(module)}
    assert sleepers <= {"handlers/watch.py"}


# The contracts between rooms, seen to fail

#: Contract, module that breaks it, the line that does.
OFFENCES = [
    ("Imports between rooms point one way", "engine/offender.py", "import certwright.reconcile.cache"),
    ("Imports between rooms point one way", "shim/offender.py", "import certwright.reconcile.cache"),
    ("kopf stays at the edge", "reconcile/offender.py", "import kopf"),
    ("The API server is spoken to in kube/ only", "solver/offender.py", "import kubernetes"),
    ("requests and urllib3 are for the ACME transport only", "dns/offender.py", "import requests"),
    ("The thinking is pure", "reconcile/renewal.py", "import time"),
    ("Imports between rooms point one way", "attic/__init__.py", ""),
]


def lint_imports(where: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "--no-cache"],
        cwd=where,
        env={"PYTHONPATH": str(where / "operator"), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter says of a copy in which every contract is broken once."""
    where = tmp_path_factory.mktemp("broken")
    shutil.copytree(PACKAGE, where / "operator" / "certwright", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", where)
    for _, name, line in OFFENCES:
        path = where / "operator" / "certwright" / name
        path.parent.mkdir(exist_ok=True)
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    done = lint_imports(where)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("contract", "module", "line"), OFFENCES)
def test_a_broken_contract_is_seen_with_the_module_that_breaks_it(
    told: str, contract: str, module: str, line: str
) -> None:
    assert f"{contract} BROKEN" in told
    place = f"certwright.{module.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"
    named = f"{place} -> {line.removeprefix('import ')}" if line else place.rpartition(".")[2]
    assert named in told


def test_every_contract_is_broken_by_one_of_these(told: str) -> None:
    assert " KEPT" not in told
    assert told.count(" BROKEN") == len({contract for contract, _, _ in OFFENCES})


def test_as_it_is_every_contract_is_kept() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout


def test_the_wheel_holds_the_package_and_its_command_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("certwright-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entries,) = (name for name in names if name.endswith("entry_points.txt"))
        scripts = archive.read(entries).decode()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"certwright"}
    assert {name for name in names if name.endswith(".py")} == {
        str(path.relative_to(OPERATOR)) for path in MODULES
    }
    assert "certwright = certwright.cli.main:main" in scripts.splitlines()
    assert "kubectl-certwright = certwright.cli.main:main" in scripts.splitlines()
