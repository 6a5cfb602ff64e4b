"""What decoding bytes that somebody damaged can raise. Each reader of a record catches all of it, and says so."""

from __future__ import annotations

from typing import Final

import msgspec

UNDECODABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""No JSON or another form; text that is no UTF-8; nested without end."""
