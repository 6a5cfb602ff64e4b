"""The lock: one holder, gone with its process, never kept by a child."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.records import FileLock, is_locked


def test_one_holds_it_and_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "operation.lock"
    one, other = FileLock(path), FileLock(path)
    assert not is_locked(path)
    assert one.acquire()
    assert one.acquire(), "asking again is harmless"
    assert is_locked(path)
    assert not other.acquire()
    one.release()
    assert not is_locked(path)
    assert other.acquire()
    other.release()


def test_it_goes_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "operation.lock"
    program = (
        "import time\nfrom pathlib import Path\nfrom engine.records import FileLock\n"
        f"lock = FileLock(Path({str(path)!r})); lock.acquire(); print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert is_locked(path)
    finally:
        holder.kill()
        holder.wait()
    assert not is_locked(path)


def test_a_program_that_was_started_meanwhile_does_not_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "operation.lock"
    with FileLock(path) as lock:
        assert lock.acquire()
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        assert not is_locked(path)
    finally:
        child.kill()
        child.wait()


def test_looking_at_it_never_turns_a_taker_away(tmp_path: Path) -> None:
    path = tmp_path / "operation.lock"
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            is_locked(path)
            done.wait(0.001)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(100):
            lock = FileLock(path)
            assert lock.acquire()
            lock.release()
    finally:
        done.set()
        for looker in lookers:
            looker.join()


def test_a_lock_file_that_was_removed_is_made_anew_and_excludes(tmp_path: Path) -> None:
    path = tmp_path / "operation.lock"
    old = FileLock(path)
    assert old.acquire()
    path.unlink()
    new = FileLock(path)
    assert new.acquire()
    assert not FileLock(path).acquire()
    new.release()
    old.release()


def test_a_symlink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "operation.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        FileLock(tmp_path / "operation.lock").acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_the_group_may_take_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with FileLock(tmp_path / "operation.lock") as lock:
            assert lock.acquire()
    finally:
        os.umask(before)
    assert (tmp_path / "operation.lock").stat().st_mode & 0o777 == 0o660
