"""A sound production: a tape, a release that published it right, an unbroken audit trail."""

from __future__ import annotations

import pytest
from production import Production, loans

from engine.config import Deployment


@pytest.fixture
def production(deployment: Deployment, clock) -> Production:  # type: ignore[no-untyped-def]
    made = Production(deployment, clock)
    made.use_program("none")
    made.write_tape(loans())
    made.run()
    return made
