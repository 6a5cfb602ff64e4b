"""Whether a release may be started by itself, as after a reboot: asked by ExecCondition= in its unit file."""

from __future__ import annotations

from collections.abc import Sequence

from engine.config import Deployment
from engine.errors import OpsError
from engine.operations.journal import list_operations
from engine.operations.model import Operation, state_in_words
from engine.records import harmless, is_locked
from engine.services.active import configured_release


def not_startable_now(deployment: Deployment, release: str) -> str:
    """Why it must not start now; empty when it may.

    While somebody operates it may: who holds the lock knows what is started. OSError, OpsError: what is on disk cannot
    be read, and nothing may start on that.
    """
    if _operated(deployment):
        return ""
    configured, problem = configured_release(deployment.active_config)
    open_ones = [item for item in list_operations(deployment.paths.operations) if item.open]
    return judged(deployment, release, configured, problem, open_ones)


def judged(
    deployment: Deployment, release: str, configured: str | None, problem: str, unfinished: Sequence[Operation]
) -> str:
    """The answer from the active configuration and the operations that stopped half-way, with nobody operating."""
    if configured != release:
        return problem or f"the active configuration is that of {configured}, this is {release}"
    for operation in unfinished:
        # before its first start the new release waits for a person; what has run already, or still, may run again
        may = deployment.new.release if operation.past_no_return else deployment.old.release
        if operation.kind == "rollback" or release != may:
            state = state_in_words(operation.state)
            return f"{operation.id} stopped half-way ({state}): configuration and metrics may differ, a person decides"
    return ""


def _operated(deployment: Deployment) -> bool:
    try:
        return is_locked(deployment.paths.operation_lock)
    except OSError:
        return any(item.running for item in list_operations(deployment.paths.operations))


def answer(deployment: Deployment, release: str) -> str:
    """The same, where what cannot be read is a reason too."""
    try:
        return not_startable_now(deployment, release)
    except (OSError, OpsError) as error:
        return f"what is live cannot be told: {harmless(error)}"
