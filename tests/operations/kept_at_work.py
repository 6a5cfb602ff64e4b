"""What one real cutover left behind, kept: put back for each test that begins with the new release live."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from site_at_work import Site, await_that

from engine.services import open_service


class CutOver(Site):
    """A site after its cutover ``0001-cutover``, and what was live before that."""

    config_before: bytes
    metrics_before: dict[str, str]

    def assert_back(self) -> None:
        """The old release is live again, with its configuration and every metric of before the cutover."""
        self.assert_back_on_v1(self.config_before, self.metrics_before)


class Kept:
    """Every byte of it is put back, at the same path; its processes begin anew, as after a stop and a start by hand."""

    def __init__(self, place: Path) -> None:
        self._site = CutOver(place / "demo")
        self._kept = place / "kept"

    def make(self) -> None:
        """A demo, its cutover, and the end of every process."""
        site = self._site
        try:
            site.make()
            site.fast_staging()
            site.edit_console("verify_hold: 1s", "verify_hold: 200ms")
            site.config_before, site.metrics_before = site.config(), site.metrics()
            operation = site.cutover()
            assert operation.state == "SUCCEEDED", operation.failure
        finally:
            site.end()
        self._copy(site.root, self._kept)

    @contextlib.contextmanager
    def put_back(self, *, watched: bool = False) -> Iterator[CutOver]:
        """The new release live, with a run of the process that runs now.

        ``watched``: a monitor beside it, which begins with a validation, the shadow run and the proof.
        """
        site = self._site
        shutil.rmtree(site.root)
        self._copy(self._kept, site.root)
        try:
            open_service(site.deployment, "v2").start()
            pid = site.pid("v2")
            await_that(lambda: any(run["incarnation"]["pid"] == pid for run in site.runs()))
            site.watched = False
            if watched:
                site.watch()
            yield site
        finally:
            site.end()

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        subprocess.run(["cp", "-a", "-T", str(source), str(target)], check=True)
