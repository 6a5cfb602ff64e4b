"""RETURN.sh while somebody edits what it works on: each content that was there is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from shell_site import ShellSite, bare_path

EDITS_ONCE = """#!/bin/sh
case $(cat "$EDITED"/.rollback/operations/*-rollback/journal.jsonl 2>/dev/null) in
*'"kind":"intent"'*'"step":"restore_config"'*)
    [ -f "$EDITED/edited" ] || { : >"$EDITED/edited"; echo '# edited meanwhile' >>"$EDITED/config/pipeline.yml"; }
esac
exec @REAL@ "$@"
"""


def test_a_configuration_edited_after_it_was_listed_is_kept_beside_the_listed_one(
    sites: Callable[..., ShellSite], tmp_path: Path
) -> None:
    site = sites(ended=False)
    site.await_runs("v2")
    path = bare_path(tmp_path / "bin", without=("sha256sum",))
    wrapper = path / "sha256sum"
    wrapper.write_text(EDITS_ONCE.replace("@REAL@", str(shutil.which("sha256sum"))))
    wrapper.chmod(0o755)
    before = (site.root / "config/pipeline.yml").read_bytes()
    ended = site.run("--yes", path=path, more={"EDITED": str(site.root)})
    assert (site.root / "edited").exists(), "the edit did not come in between"
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert site.violations() == []
    (operation,) = site.rollbacks()
    journaled = site.root / ".rollback/operations" / operation
    kept = {item.read_bytes() for item in journaled.glob("config_displaced*.yml")}
    assert kept == {before, before + b"# edited meanwhile\n"}
