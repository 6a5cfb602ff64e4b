"""The sample pipelines V1 and V2: two different programs for the same KPIs, operated by the console.

They share nothing with ``engine.portfolio``: code shared with the judge would cancel its own errors.
"""
