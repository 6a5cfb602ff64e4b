"""The tape and the KPIs, by definition: formulas from ``config/kpis.yml``, exact sums, honest about what is missing.

Nothing is imported here: ``formula`` is cheap; ``tape``, ``frame`` and ``compute`` load pandas, ``stream`` pyarrow.
"""
