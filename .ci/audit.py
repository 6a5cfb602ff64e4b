"""Known vulnerabilities of what an environment holds, asked of an advisory service by ``pip-audit``.

    python .ci/audit.py PIP_AUDIT SITE_PACKAGES

Exit 0: every package was looked up, none has an advisory. 1: some have, each is named. 3: ``NOT RUN: reason``.

pip-audit says "No known vulnerabilities found" of a service that knows nothing, too. So one version with well-known
advisories is looked up first, and a package that was skipped counts as not looked up.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CLEAN, FOUND, NOT_RUN = 0, 1, 3
KNOWN_BAD = "jinja2==3.1.0"
"""It has had advisories since 2024: whoever finds none would find none of ours."""
SERVICES = ("pypi", "osv")
"""Asked in this order, until one can say something."""
OURS = "abaco-ops"
SECONDS = 300


class NotRun(Exception):
    """Why nothing can be said."""


def looked_up(command: list[str]) -> list[dict[str, Any]]:
    """pip-audit's answer about each package. NotRun when there is none."""
    try:
        ended = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except OSError as error:
        raise NotRun(f"pip-audit cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired:
        raise NotRun(f"pip-audit gave no answer within {SECONDS} s") from None
    try:
        return [dict(one) for one in json.loads(ended.stdout)["dependencies"]]
    except (ValueError, KeyError, TypeError):
        said = [line for line in ended.stderr.splitlines() if line.strip()]
        raise NotRun(f"pip-audit ended with {ended.returncode}: {said[-1] if said else 'it says nothing'}") from None


def vulnerable(packages: list[dict[str, Any]]) -> list[str]:
    """Each package that has advisories, with them and with what mends it."""
    return [
        f"{one['name']} {one['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'nothing yet'}"
        for one in packages
        for found in one.get("vulns", ())
    ]


def audited(pip_audit: str, site: str) -> list[str]:
    """What is vulnerable below ``site``, by the first service that can say. NotRun when none can."""
    why = []
    for service in SERVICES:
        try:
            return asked([pip_audit, "--vulnerability-service", service], site)
        except NotRun as error:
            why.append(f"{service}: {error}")
    raise NotRun("; ".join(why))


def asked(command: list[str], site: str) -> list[str]:
    """What is vulnerable below ``site``, by one service. NotRun."""
    with tempfile.TemporaryDirectory() as scratch:
        known = Path(scratch) / "requirements.txt"
        known.write_text(f"{KNOWN_BAD}\n", encoding="ascii")
        probe = looked_up([*command, "--requirement", str(known), "--no-deps", "--disable-pip"])
    if not vulnerable(probe):
        why = next((one["skip_reason"] for one in probe if "skip_reason" in one), "it gives no advisory")
        raise NotRun(f"the advisory service does not know {KNOWN_BAD}, which is vulnerable: {why}")
    packages = [one for one in looked_up([*command, "--path", site]) if one["name"] != OURS]
    found = vulnerable(packages)
    skipped = [f"{one['name']} ({one['skip_reason']})" for one in packages if "skip_reason" in one]
    if skipped and not found:
        raise NotRun(f"{len(skipped)} of {len(packages)} packages could not be looked up: {'; '.join(skipped[:5])}")
    if not packages:
        raise NotRun(f"there is no package in {site}")
    sys.stdout.write(f"{len(packages)} packages looked up, {len(skipped)} of them without an answer\n")
    return found


def main(arguments: list[str]) -> int:
    """Say it; the exit code."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python .ci/audit.py PIP_AUDIT SITE_PACKAGES\n")
        return 2
    try:
        found = audited(*arguments)
    except NotRun as error:
        sys.stdout.write(f"NOT RUN: {error}\n")
        return NOT_RUN
    sys.stdout.write("\n".join(found or ["no known vulnerability"]) + "\n")
    return FOUND if found else CLEAN


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
