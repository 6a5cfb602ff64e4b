"""The files of a build: as glob finds them, and never over a whole machine."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import pytest

from engine.config import Deployment
from engine.config.templates import write_config
from engine.errors import Refused
from engine.services import build_files
from engine.services.build import build_hash
from engine.services.build_files import matched

PATTERNS = (
    "**",
    "**/*.py",
    "*/**/*.py",
    "a/**",
    "a/**/b/*.py",
    "a/*.py",
    "a/[!x]*.py",
    "a/x.py",
    "a//x.py",
    "a/x.py/",
    "**/.*",
    ".hidden/*.py",
    "a/**/**/y.py",
    "link/**/*.py",
    "a/x.py/z",
    "nothing/*",
    "./a/?.py",
    "a**/*.py",
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/x.py", "a/y.py", "a/b/y.py", "a/b/.z.py", "a/c/b/w.py", ".hidden/x.py", "x.py", "a/.cache/q.py"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "tree" / "link").symlink_to("a")
    (tmp_path / "tree" / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "tree" / "a" / "pipe.py")
    return tmp_path / "tree"


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("absolute", [True, False])
def test_build_files_are_those_that_glob_finds(
    tree: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, absolute: bool
) -> None:
    monkeypatch.chdir(tree)
    asked = f"{tree}/{pattern}" if absolute else pattern
    expected = {Path(name) for name in glob.glob(asked, recursive=True) if Path(name).is_file()}  # noqa: PTH207
    assert set(matched(asked)) == expected


@pytest.mark.parametrize(
    ("limit", "most", "said"),
    [
        ("MOST_FILES", 3, "matches more than 3 files"),
        ("MOST_BYTES", 5, "matches more than 0 GB"),
        ("MOST_NAMES", 4, "leads over more than 4 names"),
    ],
)
def test_a_pattern_without_end_is_refused_and_named(
    tree: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, said: str
) -> None:
    monkeypatch.setattr(build_files, limit, most)
    with pytest.raises(Refused, match=said) as refused:
        matched(f"{tree}/**")
    assert f"'{tree}/**'" in refused.value.what


def test_links_in_a_circle_come_to_an_end(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_files, "MOST_NAMES", 5000)
    for name in ("one", "two"):
        (tree / name).symlink_to(".")
    with pytest.raises(Refused, match="leads over more than"):
        matched(f"{tree}/**/*.none")


def test_a_build_whose_pattern_leads_everywhere_is_told_with_what_to_do(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_files, "MOST_FILES", 2)
    with pytest.raises(Refused, match=r"build\.files matches more than 2 files") as refused:
        build_hash(deployment, "v1")
    assert "name the files that run" in refused.value.fix


def test_the_shipped_releases_are_within_bounds(tmp_path: Path) -> None:
    from engine.config import load_deployment

    write_config(tmp_path / "own")
    own = load_deployment(tmp_path / "own")
    assert len(build_hash(own, "v1")) == len(build_hash(own, "v2")) == 64
