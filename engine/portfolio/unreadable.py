"""The one error for a tape from which nothing can be computed."""

from __future__ import annotations

from engine.errors import OpsError


class TapeUnreadable(OpsError):
    """The file as a whole is no tape; the reader puts its name in front."""
