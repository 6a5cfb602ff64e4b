"""Evaluations between those that are kept whole: as what differs from the last whole one, a fifth of its size."""

from __future__ import annotations

import zlib

import msgspec

from engine.monitoring.model import Evaluation


class Kept(msgspec.Struct, frozen=True):
    """The last evaluation that was kept whole: what follows is kept as what differs from it."""

    boot: float
    word: str
    reason: tuple[object, ...]
    """Of the last one that was kept at all."""
    seq: int
    data: bytes


NOTHING_KEPT = Kept(0.0, "", (), 0, b"")
_WINDOW = 32768
"""Bytes that deflate looks back."""


def reason_of(evaluation: Evaluation) -> tuple[object, ...]:
    """What a verdict rests on, without figures: another one is kept as long as a verdict is."""
    conditions = tuple((one.id, one.firing, one.pending, one.level) for one in evaluation.conditions)
    return conditions, evaluation.release, evaluation.operation, evaluation.log_size


def apart(data: bytes, whole: bytes) -> bytes:
    """``data`` as what differs from ``whole``."""
    packer = zlib.compressobj(9, zdict=whole[-_WINDOW:])
    return packer.compress(data) + packer.flush()


def joined(packed: bytes, whole: bytes) -> bytes:
    """The inverse. zlib.error when it belongs to another one."""
    return zlib.decompressobj(zdict=whole[-_WINDOW:]).decompress(packed)
