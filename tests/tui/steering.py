"""What of a terminal's bytes steers it: the sequences that the console itself may send, and everything else."""

from __future__ import annotations

import base64
import re

_OWN = re.compile(
    rb"\x1b\[[\d;]*[mHABCDGJKX]"  # colours, cursor, clearing
    rb"|\x1b\[\?(?:7|25|1004|1049|2004|2026|2048|1000|1002|1003|1006|1015|1016)[hl]"  # modes it sets and takes back
    rb"|\x1b\[\?(?:2026|2048)\$p|\x1b\[>\d*u|\x1b\[<u|\x1b\[=\d+;\d+u|\x1b\[\?u"  # questions, keyboard protocol
    rb"|\x1b\]22;[a-z]+\x07"  # the pointer's shape
)
_COPY = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
_STEERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def foreign(output: bytes) -> list[str]:
    """Every character that could steer a terminal or reorder what is read, beside the console's own sequences.

    What it copies to the clipboard counts as shown.
    """
    output = _COPY.sub(lambda copied: base64.b64decode(copied[1]), output)
    rest = _OWN.sub(b"", output).decode("utf-8", "replace")
    return [repr(rest[max(at.start() - 20, 0) : at.end() + 20]) for at in _STEERS.finditer(rest)]
