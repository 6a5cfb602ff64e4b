"""Only looking: by ``--read-only`` or by configuration. Whoever writes asks here first, whatever asked before."""

from __future__ import annotations

import dataclasses

from engine.config.deployment import Deployment
from engine.config.may_write import return_by_hand
from engine.config.newer import refuse_newer
from engine.errors import Refused

_OPERATES = "ask an operator; who may operate: docs/accounts.md"


def only_looking(deployment: Deployment) -> Deployment:
    """The same deployment for who was started with ``--read-only``."""
    return dataclasses.replace(deployment, looks_only=True)


def configured_read_only(deployment: Deployment) -> str:
    """The line of the configuration that says so; empty where it does not."""
    return "deployment.read_only in config/console.yml" if deployment.console.deployment.read_only else ""


def why_only_looking(deployment: Deployment) -> str:
    """What a person is told who did not ask for it: this account has no right to write here. Else empty."""
    asked = deployment.looks_only or deployment.console.deployment.read_only
    return f"read-only: {deployment.onlooker}; {_OPERATES}" if deployment.onlooker and not asked else ""


def must_write(deployment: Deployment, what: str) -> None:
    """Refused when only looking is allowed here, or a newer abaco-ops works here. ``what`` begins the sentence.

    Asked where a person's request enters the engine, never inside a worker: what runs already comes to its end. A
    rollback is refused too; then the configuration says so, and the sentence says both ways out.
    """
    script = return_by_hand(deployment.paths) if "rollback" in what else ""
    by_hand = f"; in an emergency: {script}" if script else ""
    if deployment.looks_only:
        raise Refused(f"{what} writes, and --read-only was given", f"leave --read-only out{by_hand}")
    if deployment.onlooker:
        raise Refused(f"{what} writes, and {deployment.onlooker}", _OPERATES)
    if deployment.console.deployment.read_only:
        raise Refused(
            f"{what} writes, and this deployment is read-only",
            f"deployment.read_only in {deployment.paths.config / 'console.yml'} says so{by_hand}",
        )
    refuse_newer(deployment.paths, what)
