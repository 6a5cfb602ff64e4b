"""``logs/archive/<name>_<time>.tar.gz``: the records of a watch in one file, with a manifest of their hashes.

Nothing is removed, no link is followed, nothing that is there is overwritten; what was written is read back before it
gets its name. A file that grows meanwhile is kept as it was when its turn came, up to its last whole line.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import stat
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

import msgspec

from engine import __version__
from engine.clock import Clock, compact, iso
from engine.config import Deployment
from engine.config.looking import must_write
from engine.errors import OperationFailed, OpsError, Refused
from engine.records import append_event, harmless, make_directory, sync_directory
from engine.records.atomic import FILE_MODE, open_new, open_to_read
from engine.state.kept_screen import DIRECTORY as EVIDENCE

DIRECTORY, MANIFEST = "archive", "manifest.json"
BLOCK = 1 << 20
LOGS = ("*.log", "*.jsonl", "validation_*.json", "monitor.out")
OPERATION = ("journal.jsonl", "plan.json", "incident.json", "incident.md", "output.log", "*_last_words.log")
LEFT_OUT = (
    "logs/samples.db: measured series, see the reports",
    "data/: tape and metrics",
    ".rollback/snapshots/*/tree",
)
"""Named in the manifest, so that nobody takes the archive for more than it is."""


class Member(msgspec.Struct, frozen=True):
    """One file of an archive."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """``manifest.json``, the last member of an archive."""

    deployment: str
    at: str
    made_at: str
    tool: str
    files: tuple[Member, ...]
    not_followed: tuple[str, ...]
    """Links and special files, left out."""
    left_out: tuple[str, ...] = LEFT_OUT


@dataclass(frozen=True, slots=True)
class Archived:
    """What became of it."""

    path: Path
    sha256: str
    manifest: Manifest
    rotated: Path | None
    warnings: tuple[str, ...]


def archive(
    deployment: Deployment, clock: Clock, at: str, *, place: Path | None = None, rotate: bool = False
) -> Archived:
    """Write, verify and name it; ``rotate`` then begins the monitoring log anew. Refused where its name is taken."""
    must_write(deployment, "an archive")
    now = clock.now().wall
    directory = deployment.paths.logs / DIRECTORY
    path = place or directory / f"{deployment.console.deployment.name}_{at}_{compact(now)}.tar.gz"
    if os.path.lexists(path):
        raise Refused(f"{path} is there already", "name another file with -o, or wait a second")
    if place is None:
        make_directory(directory)
    elif not place.parent.is_dir():
        raise Refused(f"{place.parent} is no directory", "name a file in one that is there")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        manifest, digest = _write(deployment, temporary, at, iso(now))
        _verify(temporary, manifest)
        _name(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    rotated = _rotate(deployment, compact(now)) if rotate else None
    told = {
        "archive": at,
        "path": _shown(deployment, path),
        "sha256": digest,
        "files": len(manifest.files),
        "rotated": _shown(deployment, rotated) if rotated else None,
    }
    warnings = []
    try:
        append_event(deployment.paths.events, "archive.written", told, source="report", clock=clock)
    except (OpsError, OSError) as error:
        warnings.append(harmless(f"the audit trail cannot be written: {getattr(error, 'what', error)}"))
    return Archived(path, digest, manifest, rotated, tuple(warnings))


def _write(deployment: Deployment, temporary: Path, at: str, made_at: str) -> tuple[Manifest, str]:
    with os.fdopen(open_new(temporary), "w+b") as stream:
        links: list[str] = []
        with gzip.GzipFile("", "wb", 6, stream, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
            files = tuple(_add(tar, deployment.root, path) for path in _files(deployment, links))
            name = deployment.console.deployment.name
            manifest = Manifest(name, at, made_at, f"abaco-ops {__version__}", files, tuple(links))
            data = msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"
            tar.addfile(_head(MANIFEST, len(data)), BytesIO(data))
        stream.flush()
        os.fsync(stream.fileno())
        stream.seek(0)
        return manifest, hashlib.file_digest(stream, "sha256").hexdigest()


def _files(deployment: Deployment, links: list[str]) -> Iterator[Path]:
    """What belongs into it, by name; links and special files are only named."""
    paths = deployment.paths
    places = [
        *((paths.logs, pattern) for pattern in LOGS),
        (paths.logs / "reports", "*"),
        *((shot, "*") for shot in _below(paths.logs / EVIDENCE) if not shot.name.startswith(".")),
        *((directory, pattern) for directory in _below(paths.operations) for pattern in OPERATION),
        *((directory, "manifest.json") for directory in _below(paths.snapshots)),
        (paths.config, "*.yml"),
        (paths.config / "releases", "*.yml"),
    ]
    found = {path for directory, pattern in places if not directory.is_symlink() for path in directory.glob(pattern)}
    for path in sorted([*found, paths.validation_report]):
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISREG(mode):
            yield path
        elif not stat.S_ISDIR(mode):
            links.append(harmless(_shown(deployment, path), 300))


def _below(directory: Path) -> list[Path]:
    if directory.is_symlink() or not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.is_dir() and not path.is_symlink())


class _Counted:
    """Reads so many bytes of a file and hashes them on their way."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._left, self.digest = stream, size, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes; OSError when the file has become shorter."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._stream.read(wanted)
        if len(data) < wanted:
            raise OSError(5, "became shorter while it was read", getattr(self._stream, "name", None))
        self._left -= len(data)
        self.digest.update(data)
        return data


def _add(tar: tarfile.TarFile, root: Path, path: Path) -> Member:
    name = os.path.relpath(path, root)
    with open_to_read(path) as stream:
        status = os.fstat(stream.fileno())
        size = _settled(stream, status.st_size) if path.suffix in (".jsonl", ".log") else status.st_size
        counted = _Counted(stream, size)
        tar.addfile(_head(name, size, int(status.st_mtime)), counted)
    return Member(name.encode("utf-8", "backslashreplace").decode(), size, counted.digest.hexdigest())


def _head(name: str, size: int, mtime: int = 0) -> tarfile.TarInfo:
    head = tarfile.TarInfo(name)
    head.size, head.mtime, head.mode = size, mtime, FILE_MODE
    return head


def _settled(stream: BinaryIO, size: int) -> int:
    """The size up to the last whole line: what stands behind it is being written."""
    position = size
    while position > 0:
        step = min(BLOCK, position)
        position -= step
        cut = os.pread(stream.fileno(), step, position).rfind(b"\n")
        if cut >= 0:
            return position + cut + 1
    return 0


def _verify(temporary: Path, manifest: Manifest) -> None:
    """Read it back: every member there, with its hash. OperationFailed, and nothing gets a name."""
    expected = {member.path: (member.bytes, member.sha256) for member in manifest.files}
    found: dict[str, tuple[int, str]] = {}
    last = b""
    try:
        with tarfile.open(temporary, "r:gz") as tar:
            for member in tar:
                stream = tar.extractfile(member)
                assert stream is not None
                if member.name == MANIFEST:
                    last = stream.read()
                    continue
                digest = _sha256(stream)
                found[member.name.encode("utf-8", "backslashreplace").decode()] = (member.size, digest)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise OperationFailed(f"the archive cannot be read back: {error}", "the originals are as they were") from error
    if found != expected or not last or msgspec.json.decode(last, type=Manifest) != manifest:
        raise OperationFailed(
            "the archive does not hold what it should", "look at the disk; the originals are as they were"
        )


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while data := stream.read(BLOCK):
        digest.update(data)
    return digest.hexdigest()


def _name(temporary: Path, path: Path) -> None:
    """Give it its name, which nobody else can have taken meanwhile."""
    try:
        os.link(temporary, path, follow_symlinks=False)
    except FileExistsError as error:
        raise Refused(f"{path} is there already", "name another file with -o") from error
    sync_directory(path.parent)


def _rotate(deployment: Deployment, when: str) -> Path | None:
    """The monitoring log under another name; the monitor's next row begins a new one, header first."""
    log = deployment.paths.monitoring_log
    if log.is_symlink() or not log.is_file():
        return None
    aside = log.with_name(f"{log.stem}_{when}{log.suffix}")
    try:
        os.link(log, aside, follow_symlinks=False)
    except FileExistsError as error:
        raise Refused(f"{aside} is there already: the monitoring log was not renamed", "wait a second") from error
    log.unlink()
    sync_directory(log.parent)
    return aside


def _shown(deployment: Deployment, path: Path) -> str:
    inside = path.is_relative_to(deployment.root)
    return path.relative_to(deployment.root).as_posix() if inside else str(path)
