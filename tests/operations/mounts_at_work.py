"""Real disks that are full, read-only or forbidden: small mounts, immutable files, another user. Root only."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

NOBODY = 65534


def _call(*words: str | Path) -> None:
    if os.geteuid() != 0 or shutil.which(str(words[0])) is None:
        pytest.skip(f"needs root and {words[0]}")
    ended = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        pytest.skip(f"{words[0]} is not possible here: {ended.stderr.strip()}")


@contextlib.contextmanager
def small_disk(place: Path, options: str) -> Iterator[Path]:
    """A tmpfs with these options (``size=64k``, ``nr_inodes=20``); what stood there moves in, and out again after."""
    kept = place.with_name(f".{place.name}.kept")
    shutil.copytree(place, kept, symlinks=True)
    _call("mount", "-t", "tmpfs", "-o", f"mode=755,{options}", "none", place)
    try:
        shutil.copytree(kept, place, symlinks=True, dirs_exist_ok=True)
        yield place
    finally:
        shutil.copytree(
            place, kept, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("filler", "name-*")
        )
        subprocess.run(["umount", "-l", place], check=True)
        shutil.copytree(kept, place, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(kept)


@contextlib.contextmanager
def read_only(place: Path) -> Iterator[Path]:
    """A file or directory that a mount makes read-only; descriptors that are open already stay good."""
    _call("mount", "--bind", place, place)
    try:
        _call("mount", "-o", "remount,bind,ro", place)
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@contextlib.contextmanager
def bound(place: Path) -> Iterator[Path]:
    """A directory that is a mount of its own on the same file system: a rename into it is refused."""
    _call("mount", "--bind", place, place)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@contextlib.contextmanager
def immutable(*paths: Path) -> Iterator[None]:
    """``chattr +i`` stops root too."""
    _call("chattr", "+i", *paths)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", *map(str, paths)], check=True)


def fill(place: Path) -> Path:
    """Fill the disk to its last block; the file to remove when it may have room again."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while stream.write(b"x" * 4096) == 4096:
            pass
    return filler


def use_up_names(place: Path) -> None:
    """Make empty files until there is no inode left."""
    with contextlib.suppress(OSError):
        for number in range(1_000_000):
            (place / f"name-{number}").touch()


def as_nobody(look: Callable[[], list[str]]) -> list[str]:
    """What a call answers to a user without any right, in a process of its own."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(write, "\n".join(look()).encode())
            os._exit(0)
        os._exit(1)
    os.close(write)
    with os.fdopen(read) as stream:
        told = stream.read()
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    return told.splitlines()
