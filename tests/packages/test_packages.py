"""The packages: what is installed works outside the repository; what is made from the command line is up to date."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
CONFIGURATION = sorted(path.relative_to(REPOSITORY / "config") for path in (REPOSITORY / "config").rglob("*.yml"))


def run(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)  # type: ignore[call-overload]
    assert isinstance(done, subprocess.CompletedProcess)
    return done


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and sdist of this tree."""
    place = tmp_path_factory.mktemp("dist")
    done = run(sys.executable, "-m", "hatchling", "build", "-d", str(place), cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel alone in a directory; its dependencies are those of this environment."""
    place = tmp_path_factory.mktemp("installed")
    done = run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(place), str(wheel))
    assert done.returncode == 0, done.stderr
    return place


@pytest.mark.parametrize("name", [str(name) for name in CONFIGURATION])
def test_the_wheel_holds_every_default(wheel: Path, name: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"engine/defaults/{name}") == (REPOSITORY / "config" / name).read_bytes()


def test_the_wheel_holds_what_is_no_python(wheel: Path) -> None:
    """Templates, the shell script of the way back: whatever lies beside the modules."""
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    tracked = run("git", "ls-files", "engine", "tui", cwd=REPOSITORY)
    if tracked.returncode:
        pytest.skip("no git repository: which files belong to it is not known")
    assert [name for name in tracked.stdout.splitlines() if name not in held] == []


def test_the_wheel_holds_nothing_that_somebody_left_there(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        odd = [name for name in archive.namelist() if "__pycache__" in name or name.startswith(("tests", "logs"))]
    assert odd == []


@pytest.mark.parametrize(
    "name",
    [
        "share/man/man1/abaco-ops.1",
        "share/bash-completion/completions/abaco-ops",
        "share/zsh/site-functions/_abaco-ops",
        "share/fish/vendor_completions.d/abaco-ops.fish",
    ],
)
def test_the_wheel_puts_manual_and_completions_where_they_are_looked_for(wheel: Path, name: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert any(held.endswith(f".data/data/{name}") for held in archive.namelist())


def test_the_source_archive_can_be_tested(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "config/pipeline.yml", "tests/conftest.py", "packaging/generate.py"} <= held


def test_the_installed_command_does_the_whole_job_outside_the_repository(installed: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    environment.pop("ABACO_OPS_ROOT", None)

    def ops(*words: str) -> subprocess.CompletedProcess[str]:
        return run(sys.executable, str(installed / "bin" / "abaco-ops"), *words, cwd=tmp_path, env=environment)

    where = run(sys.executable, "-c", "import engine; print(engine.__file__)", cwd=tmp_path, env=environment)
    assert where.stdout.strip().startswith(str(installed))
    made = ops("demo", "demo", "--no-console")
    try:
        assert made.returncode == 0, made.stderr
        validated = ops("--root", "demo", "validate", "--json")
        assert validated.returncode == 0, validated.stderr
        assert json.loads(validated.stdout)["status"] in ("PASS", "WARN")
        moved = ops("--root", "demo", "cutover", "--yes", "--reason", "packaged")
        assert moved.returncode == 0, moved.stderr
        back = ops("--root", "demo", "rollback", "--yes")
        assert back.returncode == 0, back.stderr
    finally:
        ended = ops("demo", "demo", "--stop")
    assert ended.returncode == 0, ended.stderr
    written = ops("init", "own")
    assert written.returncode == 0, written.stderr


def test_completions_and_manual_are_what_the_command_line_declares() -> None:
    done = run(sys.executable, "packaging/generate.py", "--check", cwd=REPOSITORY)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_completes_commands_and_their_options() -> None:
    script = REPOSITORY / "packaging/share/bash-completion/completions/abaco-ops"
    for words, completed in ((["abaco-ops", "roll"], "rollback"), (["abaco-ops", "rollback", "--dr"], "--dry-run")):
        here = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}"
        asked = f'source "{script}"; {here}; _shtab_abaco_ops abaco-ops; echo "${{COMPREPLY[@]}}"'
        assert run("bash", "-c", asked).stdout.split() == [completed]


def test_every_dependency_stands_in_the_list_with_its_licence() -> None:
    rows = [line.strip("| ").split(" | ") for line in (REPOSITORY / "docs/dependencies.md").read_text().splitlines()]
    listed = {row[0]: row[1] for row in rows if len(row) == 3}
    asked = {_normal(name) for name in _brought_along("abaco-ops")} - {"abaco-ops"}
    assert {"textual", "numpy", "mdurl"} <= asked  # else nothing was looked at
    assert [name for name in sorted(asked) if not listed.get(name)] == []


def _brought_along(name: str, extras: frozenset[str] = frozenset(), known: set[str] | None = None) -> set[str]:
    """The names of what a package asks for, and of what that asks for."""
    known = set() if known is None else known
    known.add(name)
    try:
        asked = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return known
    for text in asked:
        wanted = Requirement(text)
        asked_for = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras or {""})
        if asked_for and wanted.name not in known:
            _brought_along(wanted.name, frozenset(wanted.extras), known)
    return known


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
