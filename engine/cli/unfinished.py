"""Which operation ``abort``, ``resume`` and ``resolve`` are about where no ID is given."""

from __future__ import annotations

import sys

from engine.config import Deployment
from engine.operations.steering import unfinished

ID_HELP = "which operation, by id or number; without it the one that runs, else the only unfinished one"


def which(deployment: Deployment, operation: str | None, mode: str) -> str:
    """Its id; one that was not named is said. Refused when it is not clear which."""
    found = unfinished(deployment, operation, mode).id
    if operation is None:
        sys.stderr.write(f"{mode}: {found}, the only one that {'runs or ' if mode == 'abort' else ''}is unfinished\n")
    return found
