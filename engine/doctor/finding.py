"""What one examination found."""

from __future__ import annotations

from typing import Literal

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """One line of the doctor's answer; ``fix`` says what to do and is empty when nothing is."""

    name: str
    status: Literal["ok", "WARN", "FAIL"]
    what: str
    fix: str = ""
