"""The rules of the house, so that they stay true: who may import whom, how long things are, what is not said."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "engine").rglob("*.py")) + sorted((ROOT / "tui").rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
HEAVY = ("pandas", "numpy", "pyarrow")

# room -> what else of the engine it may import (itself always)
_BASE = {"errors", "clock"}
_RECORDS = _BASE | {"records"}
_CONFIG = _RECORDS | {"config"}
_WORK = _CONFIG | {"portfolio", "services", "snapshots", "validation"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "clock": set(),
    "tiers": {"errors"},
    "records": _BASE,
    "config": _RECORDS,
    "portfolio": _CONFIG,
    "services": _CONFIG,
    "snapshots": _CONFIG | {"services"},
    "drills": _CONFIG | {"services"},
    "pipeline": _RECORDS | {"drills"},
    "notify": _CONFIG,
    "validation": _CONFIG | {"portfolio", "services", "snapshots"},
    "operations": _WORK,
    "monitoring": _WORK | {"operations", "notify", "drills"},
    "state": _WORK | {"operations", "monitoring", "notify"},
    "doctor": _WORK | {"operations", "monitoring", "state", "notify", "tiers"},
    "reports": _WORK | {"operations", "monitoring", "state", "notify"},
    "cli": _WORK | {"operations", "monitoring", "state", "doctor", "reports", "pipeline", "notify", "drills", "tiers"},
}
# rooms whose modules the console may load: nothing in them names a heavy library, not even inside a function
LIGHT = (
    "errors",
    "clock",
    "tiers",
    "records",
    "config",
    "services",
    "snapshots",
    "drills",
    "operations",
    "notify",
    "monitoring",
    "state",
    "doctor",
    "reports",
)


def imports(path: Path) -> Iterator[str]:
    """Every module that the file names in an import, wherever it stands, but not for the type checker alone."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield node.module or ""
            if node.module == "engine":
                yield from (f"engine.{alias.name}" for alias in node.names)


def room_of(path: Path) -> str:
    relative = path.relative_to(ROOT / "engine")
    return relative.parts[0].removesuffix(".py")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


ENGINE = [path for path in SOURCES if path.is_relative_to(ROOT / "engine")]


@pytest.mark.parametrize("path", ENGINE, ids=name_of)
def test_imports_point_in_one_direction(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    allowed = MAY_IMPORT[room] | {room, "__version__"}
    named = {module.split(".")[1] for module in imports(path) if module.startswith("engine.")}
    assert named <= allowed, f"{room} imports {sorted(named - allowed)}"


@pytest.mark.parametrize("path", ENGINE, ids=name_of)
def test_the_engine_knows_no_screen(path: Path) -> None:
    assert not {module.split(".")[0] for module in imports(path)} & {"tui", "textual"}


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.is_relative_to(ROOT / "tui") or room_of(path) in LIGHT], ids=name_of
)
def test_what_the_console_loads_names_no_heavy_library(path: Path) -> None:
    assert not {module.split(".")[0] for module in imports(path)} & set(HEAVY)


@pytest.mark.parametrize(
    "program",
    [
        "import tui.console",
        "import tui.main, engine.state",
        "import engine.operations.launch, engine.monitoring.answers",
    ],
)
def test_a_fresh_console_process_has_loaded_neither_pandas_nor_the_kpi_code(program: str) -> None:
    report = "import sys; print(*sorted(name for name in sys.modules if name.split('.')[0] in "
    report += f"{HEAVY!r} or name.startswith('engine.portfolio')))"
    ended = subprocess.run(
        [sys.executable, "-c", f"{program}; {report}"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout.split() == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_fit_a_head(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= LONGEST_FUNCTION, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_shell_and_no_eval(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in ("eval", "exec", "os.system", "os.popen"), f"line {node.lineno}"
            shell = [word for word in node.keywords if word.arg == "shell"]
            assert not shell, f"line {node.lineno}: a command is a list"


def committed() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("no git here: what belongs to the project cannot be listed")
    return [ROOT / name for name in listed.stdout.splitlines()]


def test_the_project_names_no_machine_and_no_place_outside_itself() -> None:
    outside = re.compile("|".join(["/wo" + "rk/", r"\.\./sha" + "red", "/ho" + "me/"]))
    named = []
    for path in committed():
        if path.suffix in (".py", ".yml", ".toml", ".md", ".sh", "") and path.is_file():
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
                if outside.search(line):
                    named.append(f"{name_of(path)}:{number}")
    assert not named


def test_no_room_is_called_after_nothing() -> None:
    empty = re.compile(r"(^|_)(utils?|helpers?|managers?|base|misc|common)(_|$)")
    assert not [name_of(path) for path in SOURCES if empty.search(path.stem)]


def test_test_files_have_names_of_their_own() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))


def test_the_check_script_runs_the_readmes_command() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = (ROOT / "README.md").read_text().splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv") and line.endswith("pytest")]
    assert len(commands) == 1, "the README gives one test command, and .ci/run reads it there"
    assert commands[0].count(" && ") == 2


def test_whoever_decodes_a_record_catches_all_that_decoding_can_raise() -> None:
    """Text that is no UTF-8 is no DecodeError of msgspec's: naming that alone lets one damaged byte through."""
    named = re.compile(r"(except|suppress)\b.*msgspec\.(DecodeError|MsgspecError)")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if named.search(line)
    ]
    assert found == []
