"""Generated tapes: cells as text or as doubles, odd ones among them, over a few dates."""

from __future__ import annotations

import pandas as pd
from hypothesis import strategies as st
from tapes import AMOUNTS

DAYS = ("2025-10-31", "2025-11-30", "2025-12-31")
TEXTS = ("", " ", "NULL", "nan", "1,000.00", "-", "(12.00)", "1 000", "abc", "inf", "1e999", "12.5", "-3.10", "0.005")
DOUBLES = st.one_of(
    st.integers(-(10**12), 10**12).map(lambda cents: cents / 100),
    st.integers(-(10**12), 10**12).map(lambda cents: cents / 100),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 0.0, -0.0, 0.1, -0.1, 1e300, -1e300, 5e-324, 1e-9]),
    st.floats(),
)
FINITE = st.floats(min_value=-1e12, max_value=1e12)


@st.composite
def frames(draw: st.DrawFn) -> pd.DataFrame:
    """Zero to twelve rows: most columns of doubles, one of text, ids repeated and of mixed length, some bad dates."""
    rows = draw(st.integers(0, 12))
    cells = {name: pd.Series(draw(st.lists(DOUBLES, min_size=rows, max_size=rows)), dtype=float) for name in AMOUNTS}
    text = draw(st.lists(st.sampled_from(TEXTS), min_size=rows, max_size=rows))
    cells["cash_available_usd"] = pd.Series(text, dtype="str")
    frame = pd.DataFrame(cells)
    ids = st.sampled_from(["1", "01", "L000000000000000000001", "9007199254740993", "9007199254740992", ""])
    frame.insert(0, "loan_id", pd.Series(draw(st.lists(ids, min_size=rows, max_size=rows)), dtype="str"))
    if draw(st.booleans()):
        when = st.sampled_from([*DAYS, *DAYS, *DAYS, "soon"])
        frame["measurement_date"] = pd.Series(draw(st.lists(when, min_size=rows, max_size=rows)), dtype="str")
    return frame
