"""Reads everything a deployment records, incrementally, and makes one State of it."""

from __future__ import annotations

from engine.clock import Clock, Instant
from engine.config import Deployment
from engine.errors import OpsError
from engine.records import Tail, harmless, whoami
from engine.state import absent
from engine.state.model import (
    ChecklistView,
    MonitorView,
    Phase,
    ReleaseView,
    State,
)
from engine.state.trail import Trail, extend, phase_of

LOG_ROWS = 200


class StateReader:
    """Keeps what it has read, so that each further :meth:`read` pays only for what is new.

    One reader belongs to one thread.
    """

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._events = Tail(deployment.paths.events)
        self._trail = Trail()
        self._user, _, self._host = whoami().partition("@")

    def read(self) -> State:
        """The state now. Never raises for what the records hold: what cannot be read stands in ``problems``."""
        now = self._clock.now()
        problems: list[str] = []
        self._read_events(problems)
        return self._assemble(now, problems)

    def _read_events(self, problems: list[str]) -> None:
        try:
            self._trail = extend(self._trail, self._events.new_records())
        except (OSError, OpsError) as error:
            problems.append(harmless(f"audit trail: {error}"))

    def _phase(self, now: Instant) -> Phase:
        schedule = self._deployment.checklist
        scale = self._deployment.console.time_scale
        last = max((point.at for point in schedule.decisions), default=schedule.schedule.validation_for)
        return phase_of(
            self._trail,
            now.wall,
            bake=schedule.schedule.validation_for / scale,
            stabilise=last / scale,
            cutover_runs=False,
        )

    def _assemble(self, now: Instant, problems: list[str]) -> State:
        console = self._deployment.console
        nobody = "no monitor has measured anything yet"
        return State(
            at=now.wall,
            root=str(self._deployment.root),
            deployment=console.deployment.name,
            title=console.deployment.title,
            environment=console.deployment.environment,
            demo=console.deployment.demo,
            time_scale=float(console.time_scale),
            sample_cadence=float(console.cadence.sample),
            user=self._user,
            host=self._host,
            release=None,
            release_reason="services are not read yet",
            releases=tuple(
                ReleaseView(release.release, "", "", release.service.name, "UNSURE", None, release.decimals)
                for release in (self._deployment.old, self._deployment.new)
            ),
            phase=self._phase(now),
            cutover_at=self._trail.cutover_at,
            verdict=absent.no_verdict(nobody, "start the monitor: abaco-ops monitor"),
            way_back=absent.no_way_back(self._deployment, "", "no snapshot yet"),
            watch=self._trail.watch,
            next_gate=None,
            kpis=absent.no_kpis(self._deployment, self._deployment.old.decimals, nobody),
            kpis_at=None,
            resources=(),
            conditions=(),
            matrix=absent.matrix_of_unknown(self._deployment, nobody),
            checks=absent.no_validation(),
            checklist=ChecklistView(0, 0, ()),
            operation=None,
            last_operation=None,
            alerts=(),
            log=(),
            events=self._trail.last,
            monitor=MonitorView(False, None, None, True, nobody),
            problems=tuple(problems),
        )
