"""``abaco-ops doctor``: what is fine, what is not, what to do; it changes nothing."""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import msgspec

from engine.cli.frame import Context
from engine.cli.paint import painted
from engine.config import ConfigError, Deployment, load_deployment
from engine.config.deployment import NoDeployment
from engine.config.schema import SCHEMAS, schema
from engine.doctor import Finding, examine_deployment, examine_machine
from engine.errors import CHECK_FAILED, DONE
from engine.records import harmless


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--schema", choices=sorted(SCHEMAS), help="print a configuration file's JSON Schema and end")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0 when nothing FAILs (a WARN is said), 1 otherwise."""
    if options.schema:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(schema(options.schema)), indent=2).decode() + "\n")
        return DONE
    deployment, findings = _configuration(context)
    findings += examine_machine()
    if context.examine_console is not None and deployment is not None:
        found = context.examine_console(deployment.root)
        findings += [Finding(name, "WARN" if fix else "ok", what, fix) for name, what, fix in found]
    if deployment is not None:
        findings += examine_deployment(deployment)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(findings) + b"\n")
    else:
        sys.stdout.write("\n".join(_lines(findings)) + "\n")
    return CHECK_FAILED if any(finding.status == "FAIL" for finding in findings) else DONE


def _configuration(context: Context) -> tuple[Deployment | None, list[Finding]]:
    try:
        deployment = load_deployment(context.root)
    except NoDeployment as error:
        return None, [Finding("configuration", "FAIL", error.what, error.fix)]
    except ConfigError as error:
        return None, [
            Finding("configuration", "FAIL", f"{problem.at}: {problem.what}", problem.right)
            for problem in error.problems
        ]
    console = deployment.console
    said = f"{console.deployment.name}, {console.deployment.environment}, profile {console.profile}"
    return deployment, [Finding("configuration", "ok", f"{said}; every file read and checked")]


_LINE = 4000
"""Characters of a finding at most: names in it are people's own, and may hold anything."""


def _lines(findings: list[Finding]) -> list[str]:
    told = []
    for finding in findings:
        word = painted(f"{finding.status:<5}", "PASS" if finding.status == "ok" else finding.status)
        told.append(f" {word} {finding.name:<14} {harmless(finding.what, _LINE)}")
        if finding.fix:
            told.append(f"       {'':<14} -> {harmless(finding.fix, _LINE)}")
    count = Counter(finding.status for finding in findings)
    told.append(f" {count['ok']} fine, {count['WARN']} to know, {count['FAIL']} to put right")
    return told
