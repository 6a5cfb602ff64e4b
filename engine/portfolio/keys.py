"""Which row is which: the identities of some rows with their dates, as texts and as hashes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.portfolio.columns import Dates, Flags
from engine.portfolio.key_hashes import Hashes, hashes_of, rows_among, texts_of

Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Keys:
    """The identities of rows that stand together."""

    texts: Any
    """An Arrow array of strings, trimmed; null where there is no identity."""
    named: Flags | None
    """The rows that have one; None: all have."""
    dated: Dates | None
    """Rows without a readable date count as of one date of their own."""

    def part(self, start: int, rows: int) -> Keys:
        """Those of so many rows from ``start`` on."""
        where, dated = slice(start, start + rows), self.dated
        if dated is not None and (len(dated.days) != 1 or dated.undated is not None):
            dated = replace(dated, of_row=dated.of_row[where])
        named = self.named[where] if self.named is not None else None
        return Keys(self.texts.slice(start, rows), named, dated)

    def hashes(self) -> Hashes:
        """Of identity and date together, of the rows that have an identity."""
        hashes = self._all_hashes()
        return hashes if self.named is None else hashes[self.named]

    def among(self, wanted: Hashes) -> tuple[Places, Any]:
        """The places of the named rows whose hash is a wanted one, and their identities."""
        places = rows_among(self._all_hashes(), wanted)
        if self.named is not None:
            places = places[self.named[places]]
        return places, self.texts.take(places_as_arrow(places))

    def days_at(self, places: Places) -> list[str | None]:
        """The date of each of these rows."""
        if self.dated is None:
            return [None] * len(places)
        days = (*self.dated.days, None)
        return [days[at] for at in self.dated.of_row[places].tolist()]

    def _all_hashes(self) -> Hashes:
        hashes = hashes_of(self.texts)
        if self.dated is None:
            return hashes
        mixed = np.zeros(len(self.dated.days) + 1, dtype=np.uint64)
        mixed[:-1] = hashes_of(texts_of(self.dated.days))
        if len(mixed) == 2 and self.dated.undated is None:
            hashes ^= mixed[0]
        else:
            hashes ^= mixed[self.dated.of_row]
        return hashes


def places_as_arrow(places: Places) -> Any:
    """The same integers as an Arrow array: to build one from NumPy would load pandas."""
    import pyarrow as pa

    return pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(np.ascontiguousarray(places, np.int64))])
