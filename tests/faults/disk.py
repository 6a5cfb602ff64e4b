"""A small ext4 on a loop device whose power can be cut: what was not synced is gone then, and a new boot begins."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from engine.clock import boot_id

_SIZE = "32M"
_OPTIONS = "loop,commit=600"
"""Nothing reaches the disk by itself: only what is synced."""
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_CLONE_NEWNS = 0x00020000


@dataclass(frozen=True, slots=True)
class Disk:
    """One image, mounted at ``place``; ``base`` keeps the images that cases begin from."""

    base: Path
    place: Path

    def keep(self, name: str, content: Path) -> None:
        """Make the image of this name, with a copy of this directory on it."""
        image = self.base / f"{name}.img"
        _run("truncate", "-s", _SIZE, str(image))
        _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
        self.place.mkdir(parents=True, exist_ok=True)
        self._mount(image)
        shutil.copytree(content, self.place, symlinks=True, dirs_exist_ok=True)
        self.down()

    def lay(self, name: str) -> None:
        """Put a fresh copy of an image in place."""
        self.down()
        _run("cp", "--sparse=always", str(self.base / f"{name}.img"), str(self._image))
        self._mount(self._image)

    def cycle(self) -> None:
        """The machine comes up again after its power was cut: the journal of the file system is replayed."""
        self.down()
        self._mount(self._image)

    def down(self) -> None:
        """Take it away, if it is there."""
        if self.place.is_mount():
            _run("umount", str(self.place))

    def hold(self) -> int:
        """A descriptor by which the power can be cut; the caller closes it."""
        return os.open(self.place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    @property
    def _image(self) -> Path:
        return self.base / "now.img"

    def _mount(self, image: Path) -> None:
        _run("mount", "-o", _OPTIONS, str(image), str(self.place))


def own_namespace(base: Path) -> None:
    """Mounts of this process are its own, and so is the id of the boot, which :func:`reboot` changes."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare: a power cut needs root")
    _run("mount", "--make-rprivate", "/")
    (base / "boot_id").write_text(f"{uuid.uuid4()}\n")
    _run("mount", "--bind", str(base / "boot_id"), _BOOT_ID)
    boot_id.cache_clear()


def reboot(base: Path) -> None:
    """From now on it is another boot."""
    (base / "boot_id").write_text(f"{uuid.uuid4()}\n")
    boot_id.cache_clear()


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OSError(0, f"{' '.join(command)}: {done.stderr.strip()}")
