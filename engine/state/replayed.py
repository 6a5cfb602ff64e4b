"""The State at a moment of the past, from records alone, cut at that moment: nothing in it is later.

What is of now only (locks, processes, the disk, who watches) is not shown as if it had been then; a stretch without
records is told as one, and nothing is put between two records.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from engine.clock import pretty_duration
from engine.config import Deployment
from engine.monitoring.grounds import Grounds, cutover_of, grounds_of
from engine.monitoring.judgement import NO_DATA
from engine.monitoring.model import Evaluation
from engine.monitoring.store import HISTORY_EVERY
from engine.monitoring.stretch import StretchStore
from engine.records import harmless, whoami
from engine.records.counted import counted
from engine.state.assemble import Found, assemble
from engine.state.doings import Doings
from engine.state.finer import finer
from engine.state.gates import gates_of
from engine.state.measured import Measured, as_seen, patience_with, unmeasured, why_late
from engine.state.model import ChecklistView, ReleaseView, State
from engine.state.past_files import PastLog, PastReports, past_shadow
from engine.state.past_operations import PastOperations
from engine.state.past_trail import PastTrail
from engine.state.releases import Releases
from engine.state.slots import view_at
from engine.state.trail import Trail

_DIGITS = 6
ADJACENT = 1.5
"""Sample cadences between two kept evaluations with none between them."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the monitor kept beside a moment."""

    evaluation: Evaluation | None
    """The last one until then."""
    following: Evaluation | None
    """The first one after it."""
    gap: str
    """Why the last one says nothing about the moment; empty when it does."""
    runs: bool
    """Whether the monitor of the last one looked again later."""


class ReplayReader:
    """As :class:`engine.state.reader.StateReader`, for the moment that ``moment()`` gives; any thread may use it."""

    def __init__(self, deployment: Deployment, moment: Callable[[], datetime]) -> None:
        self._deployment = deployment
        self._moment = moment
        self._turn = threading.Lock()
        self._trail = PastTrail(deployment.paths.events)
        self._operations = PastOperations(deployment.paths.operations)
        self._store = StretchStore(deployment.paths.samples)
        self._log = PastLog(deployment.paths.monitoring_log)
        self._reports = PastReports(deployment.root)
        self._user, _, self._host = whoami().partition("@")

    def read(self) -> State:
        """The State then. Never raises for what the records hold: what cannot be read stands in ``problems``."""
        return self.at(self._moment())

    def at(self, now: datetime) -> State:
        """The State at ``now``."""
        with self._turn:
            return self._at(now)

    def _at(self, now: datetime) -> State:
        problems: list[str] = []
        trail = self._trail_at(now, problems)
        doings = self._operations.at(now, problems)
        cutover_at = doings.cutover_at or trail.facts.cutover_at
        rolled_back_at = doings.rolled_back_at or trail.facts.rolled_back_at
        seen = self._seen(now, problems)
        evaluation, gap = seen.evaluation, seen.gap
        measured = self._measured(seen, trail, now, problems)
        back = rolled_back_at is not None and (cutover_at is None or rolled_back_at >= cutover_at)
        since = None if back else cutover_at
        found = Found(
            now=now,
            user=self._user,
            host=self._host,
            trail=trail,
            doings=doings,
            releases=self._releases(seen, doings, now),
            measured=measured,
            checklist=self._checklist(now, trail, seen, (cutover_at, rolled_back_at)),
            report=self._reports.of(
                self._trail.validation(now), trail.facts.validations[-1] if trail.facts.validations else None
            ),
            shadow=past_shadow(self._deployment, now, problems),
            log=self._rows(seen, now, problems),
            cutover_at=cutover_at,
            rolled_back_at=rolled_back_at,
            problems=(),
            gates=gates_of(
                self._deployment,
                since,
                now,
                tuple(one for one in trail.facts.decided if since is not None and one.at >= since),
                evaluation,
                stale=bool(gap),
                unjudged=gap or "",
            ),
            past=True,
        )
        return assemble(self._deployment, replace(found, problems=tuple(problems)))

    def next_event(self, moment: datetime, *, later: bool) -> datetime | None:
        """When something next happened, or last did before: an event, or another verdict. None: nothing more."""
        with self._turn:
            self._follow([])
            found = [self._trail.next_event(moment, later=later)]
            try:
                if self._deployment.paths.samples.exists():
                    found.append(self._store.verdict_change(moment, later=later))
            except (sqlite3.Error, OSError):
                self._store.close()
        known = [at for at in found if at is not None]
        return (min(known) if later else max(known)) if known else None

    # ---- parts

    def _follow(self, problems: list[str]) -> None:
        try:
            if not self._trail.follow():
                self._trail = PastTrail(self._deployment.paths.events)
                self._trail.follow()
        except OSError as error:
            problems.append(harmless(f"audit trail: {error}"))

    def _trail_at(self, now: datetime, problems: list[str]) -> Trail:
        self._follow(problems)
        if self._trail.damaged:
            problems.append(f"audit trail: {counted(self._trail.damaged, 'damaged line')} passed over")
        return self._trail.at(now)

    def _seen(self, now: datetime, problems: list[str]) -> _Seen:
        """The evaluations on both sides of a moment, and why the earlier one says nothing about it any more."""
        try:
            if not self._deployment.paths.samples.exists():
                return _Seen(None, None, self._lost(now) or "no samples are recorded here", False)
            evaluation, following = self._store.evaluation_at(now), self._store.evaluation_after(now)
            if evaluation is None:
                return _Seen(None, following, self._lost(now) or "nothing was recorded before this moment", False)
            sampled = self._store.sampled(NO_DATA, now)
        except (sqlite3.Error, OSError) as error:
            self._store.close()
            problems.append(harmless(f"{self._deployment.paths.samples.name}: {error}"))
            return _Seen(None, None, "the samples cannot be read", False)
        # the same monitor looked again later: until then it did not get on; another one, or none: it had ended
        runs = following is not None and _monitor(following) == _monitor(evaluation)
        patience = patience_with(self._deployment, evaluation, runs=runs)
        newest = evaluation.at
        # single samples tell when the monitor last looked; where they are gone, evaluations are kept once a minute
        if sampled is not None and sampled[0] <= evaluation.at:
            newest = max(newest, sampled[1])
        elif runs:
            patience += HISTORY_EVERY
        silent = (now - newest).total_seconds()
        return _Seen(evaluation, following, why_late(silent, runs) if silent > patience else "", runs)

    def _lost(self, now: datetime) -> str:
        """That there were samples then, and are none now; empty where nothing says that there ever were."""
        with contextlib.suppress(OSError):
            if self._log.at(now):
                name = self._deployment.paths.samples.name
                return f"the samples of this moment are gone from {name}; audit trail and monitoring log are kept"
        return ""

    def _measured(self, found: _Seen, trail: Trail, now: datetime, problems: list[str]) -> Measured:
        deployment, evaluation = self._deployment, found.evaluation
        if evaluation is None:
            return unmeasured(deployment, found.gap, "at the next record", runs=False)
        runs = found.runs or not found.gap
        seen = as_seen(deployment, evaluation, trail.answered, found.gap, runs=runs, at=now)
        if found.gap:
            return seen
        try:
            return finer(deployment, seen, self._store, evaluation.at, now)
        except (sqlite3.Error, OSError) as error:
            problems.append(harmless(f"{deployment.paths.samples.name}: {error}"))
            return seen

    def _releases(self, seen: _Seen, doings: Doings, now: datetime) -> Releases:
        """Which release was live, as last recorded; how the other one's service was is not. No record that it ended
        is no record that none is live.
        """
        evaluation, last = seen.evaluation, doings.last
        live = evaluation.release if evaluation is not None else None
        reason = seen.gap if evaluation is None else evaluation.release_reason
        if seen.gap and live:
            reason = f"{live} live when last recorded"
        moved = last is not None and last.state == "SUCCEEDED" and last.ended is not None
        if last is not None and moved and (evaluation is None or (last.ended and last.ended > evaluation.at)):
            live, reason = last.release_to, f"{last.release_to} live when last recorded"
        views = []
        for release in (self._deployment.old, self._deployment.new):
            name = release.release
            views.append(
                ReleaseView(
                    name=name,
                    build=self._trail.build(name, now)[:_DIGITS],
                    config_hash="",
                    service=release.service.name,
                    service_state="RUNNING" if name == live else "UNSURE",
                    pid=None,
                    decimals=release.decimals,
                )
            )
        return Releases(live, reason, tuple(views))

    def _checklist(
        self,
        now: datetime,
        trail: Trail,
        seen: _Seen,
        switched: tuple[datetime | None, datetime | None],
    ) -> ChecklistView:
        """What rests on the disk of then is filled in where the monitor noted it, never from the one of now."""
        evaluation = seen.evaluation
        grounds = self._grounds(evaluation, now)
        stale = evaluation is not None and bool(seen.gap)
        late = pretty_duration((now - evaluation.at).total_seconds()) if evaluation is not None and stale else ""
        return view_at(self._deployment, now, trail.facts, evaluation, grounds, switched, late=late)

    def _grounds(self, evaluation: Evaluation | None, now: datetime) -> Grounds | None:
        if evaluation is None or evaluation.on_disk is None:
            return None
        newest = self._operations.newest_cutover(now)
        cutover = cutover_of(self._deployment, *newest) if newest is not None else None
        build = self._trail.build(self._deployment.console.releases.old, now)
        return grounds_of(self._deployment, evaluation.on_disk, cutover, build)

    def _rows(self, seen: _Seen, now: datetime, problems: list[str]) -> tuple[str, ...]:
        """A tick notes how long the log was before its own rows: the next one tells what it was after them."""
        evaluation, following = seen.evaluation, seen.following
        noted = following or evaluation
        whole = following is None  # nothing was written after the last tick
        if evaluation is not None and following is not None and seen.runs and not seen.gap:
            apart = (following.at - evaluation.at).total_seconds()
            if apart > ADJACENT * evaluation.cadence:
                noted = evaluation  # those between are not kept any more: late, and never early
        try:
            if noted is None or noted.log_size is None:
                return self._log.at(now)
            shown = self._log.first(None if whole else noted.log_size, noted.log_inode)
            return self._log.at(now) if shown is None else shown
        except OSError as error:
            problems.append(harmless(f"monitoring log: {error}"))
            return ()


def _monitor(evaluation: Evaluation) -> tuple[object, ...]:
    """Which monitor made it."""
    return evaluation.pid, evaluation.boot_id, evaluation.monitor_since


def recorded(deployment: Deployment) -> tuple[datetime, datetime] | None:
    """From when to when anything was recorded; None when nothing was."""
    store = StretchStore(deployment.paths.samples)
    try:
        return store.extent() if deployment.paths.samples.exists() else None
    except (sqlite3.Error, OSError):
        return None
    finally:
        store.close()
