"""Drills: faults that a demo's pipeline is ordered to have, for a while, so that a team can rehearse a night.

An order is one file, ``.rollback/drill.json``. The sample pipelines obey it where ``deployment.demo`` is true, and
only until its time is over; nobody has to be alive for that. What a drill changed beside the pipeline (the tape, a
stopped monitor, a service that was given up) is put right by :func:`engine.drills.ending.end`, which the keeper of the
drill calls in time; should the keeper be gone, the monitor does, or the next drill, or the demo when it is stopped.
"""
