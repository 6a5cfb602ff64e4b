"""Is what earlier runs published still there? As far as the release's retention keeps it, and bounded."""

from __future__ import annotations

from collections.abc import Sequence

from engine.records import harmless
from engine.validation.evidence import Evidence
from engine.validation.model import Findings
from engine.validation.runs import NotPublished, Run, find_output, of_release, read_output, read_runs

HASHED = 20
"""Runs before the newest whose outputs are hashed; of those before them, presence and size are looked at."""
LOOKED_AT = 1000
"""Runs before the newest whose outputs are looked for at all, however many are kept."""
_NAMED = 5


def judge_earlier(evidence: Evidence, findings: Findings) -> list[str]:
    """The losses among the outputs of the earlier runs of the running process.

    What an earlier process published may have been set aside by a rollback, whose own proof accounts for it.
    """
    if evidence.run is None or evidence.run.incarnation is None:
        return []
    keep = evidence.settings.get("keep_runs")
    if keep is None:
        return []  # nobody says how long outputs are kept: none but the newest run's can be demanded
    if not isinstance(keep, int) or isinstance(keep, bool) or keep < 1:
        findings.warn(f"pipeline.keep_runs is no number of runs: {harmless(keep, 40)}; earlier outputs are not judged")
        return []
    earlier = _kept(evidence.own_runs, evidence.run, keep)
    hashed = earlier[-HASHED:]
    findings.figures |= {"earlier_runs": len(earlier), "earlier_runs_hashed": len(hashed)}
    lost = [(run, loss) for run in earlier for loss in _losses(evidence, run, run in hashed)]
    if lost:  # the service goes on: meanwhile it may have removed what it need not keep any more
        now = of_release(read_runs(evidence.deployment.paths), evidence.release.release)
        still = {run.run_id for run in _kept(now, evidence.run, keep)}
        lost = [(run, loss) for run, loss in lost if run.run_id in still]
    findings.figures["earlier_outputs_lost"] = len(lost)
    more = [f"{len(lost) - _NAMED:,} more files of earlier runs are lost or changed"] if len(lost) > _NAMED else []
    return [loss for _, loss in lost[:_NAMED]] + more


def _kept(own: Sequence[Run], newest: Run, keep: int) -> list[Run]:
    """The runs before ``newest``, of its process, that published and are among the last ``keep``; oldest first.

    Failed runs count: one of them may have left files, which take a place.
    """
    before = own[-keep:]
    ids = [run.run_id for run in before]
    before = before[: ids.index(newest.run_id)] if newest.run_id in ids else before
    return [run for run in before if run.ok and run.incarnation == newest.incarnation][-LOOKED_AT:]


def _losses(evidence: Evidence, run: Run, hashed: bool) -> list[str]:
    losses = []
    for output in run.outputs:
        try:
            if hashed:
                read_output(evidence.deployment, output)
            else:
                find_output(evidence.deployment, output)
        except NotPublished as error:
            losses.append(error.what)
    return losses
