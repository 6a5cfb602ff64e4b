"""The look-up of known vulnerabilities: what was not looked up is never said to be clean."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "audit.py"
ADVISORY = {"id": "CVE-2024-22195", "fix_versions": ["3.1.3"]}
PROBE = [{"name": "jinja2", "version": "3.1.0", "vulns": [ADVISORY]}]
CLEAN = [{"name": name, "version": "1.0", "vulns": []} for name in ("rich", "textual")]
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found on PyPI"}
OURS = {"name": "abaco-ops", "skip_reason": "Dependency not found on PyPI"}


@pytest.fixture(scope="module")
def audit() -> Any:
    spec = importlib.util.spec_from_file_location("audit", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pip_audit(directory: Path, probe: object, found: object) -> str:
    """A made-up pip-audit: what it answers about the one known to be bad, and about what is installed."""
    path = directory / "pip-audit"
    answers = {"requirement": json.dumps({"dependencies": probe}), "path": json.dumps({"dependencies": found})}
    path.write_text(
        f"#!{sys.executable}\nimport sys\nanswers = {answers!r}\n"
        "print(answers['path' if '--path' in sys.argv else 'requirement'])\n"
    )
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("probe", "found", "code", "said"),
    [
        (PROBE, [*CLEAN, OURS], 0, "2 packages looked up, 0 of them without an answer\nno known vulnerability"),
        (PROBE, [*CLEAN, *PROBE], 1, "jinja2 3.1.0: CVE-2024-22195, mended in 3.1.3"),
        (PROBE, [SKIPPED, *PROBE], 1, "jinja2 3.1.0: CVE-2024-22195"),
        (PROBE, [*CLEAN, SKIPPED], 3, "pypi: 1 of 3 packages could not be looked up: rich (Dependency not found"),
        (PROBE, [OURS], 3, "pypi: there is no package in"),
        ([SKIPPED], CLEAN, 3, "NOT RUN: pypi: the advisory service does not know jinja2==3.1.0"),
        ([{"name": "jinja2", "version": "3.1.0", "vulns": []}], CLEAN, 3, "which is vulnerable: it gives no advisory"),
        ("no list of packages", CLEAN, 3, "NOT RUN: "),
    ],
)
def test_clean_is_only_what_was_looked_up(
    audit: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], probe: object, found: object, code: int, said: str
) -> None:
    assert audit.main([pip_audit(tmp_path, probe, found), str(tmp_path)]) == code
    assert said in capsys.readouterr().out


def test_a_service_that_cannot_be_reached_is_named(
    audit: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pip-audit"
    path.write_text("#!/bin/sh\necho 'Traceback' >&2\necho 'ConnectionError: no route to host' >&2\nexit 1\n")
    path.chmod(0o755)
    assert audit.main([str(path), str(tmp_path)]) == 3
    assert "osv: pip-audit ended with 1: ConnectionError: no route to host" in capsys.readouterr().out
    assert audit.main([str(tmp_path / "none"), str(tmp_path)]) == 3
    assert "NOT RUN: pypi: pip-audit cannot be run: No such file or directory" in capsys.readouterr().out
