"""A watch in short: an hour is ten seconds, validations that were started end at the next tick."""

from __future__ import annotations

from typing import Any

from watching import Watching, rescaled

from engine.config import Deployment
from engine.monitoring.model import Criterion, Evaluation, Gate
from engine.monitoring.round import TESTS
from engine.services.build import build_hash
from engine.services.record import ServiceFiles

SCALE = 360
HOUR = 3600 // SCALE


class Night(Watching):
    """A cutover and what follows, tick by tick."""

    def __init__(self, deployment: Deployment, clock: Any) -> None:
        super().__init__(rescaled(deployment, SCALE), clock)
        self.answered = 0
        self.status = "PASS"
        self.tests_ok = True
        self.build = build_hash(self.deployment, "v2")
        self.log_file = ServiceFiles(self.deployment.paths.services / self.deployment.new.service.name).output
        self.log_file.parent.mkdir(parents=True)
        self.log_file.write_text("ERROR of an earlier life\n")

    def begin(self) -> Evaluation:
        """A healthy V1, then the cutover."""
        self.ticks(4)
        self.cut_over()
        return self.ticks(1)

    def ticks(self, count: int, *, restarts: bool = False, runs: bool = True, **run: Any) -> Evaluation:
        """Ticks of a second with a run each; what the monitor had started has ended."""
        for _ in range(count):
            self.clock.advance(1.0)
            for name in self.started.commands[self.answered :]:
                if name in ("scheduled validation", "validation after a change"):
                    self.validated(self.status)
                elif name == TESTS:
                    self.event("release.tested", release="v2", build=self.build, ok=self.tests_ok, reason="1 failed")
            self.answered = len(self.started.commands)
            if runs:
                self.run(**run)
            if restarts:
                self.restart()
            evaluation = self.monitor.tick()
        return evaluation

    def hours(self, count: float, **more: Any) -> Evaluation:
        """So many hours of the watch."""
        return self.ticks(round(count * HOUR), **more)

    def go(self, gate: str, **more: Any) -> None:
        self.event("gate.decided", gate=gate, decision="go", by="A. Moreno", **more)


def gate(evaluation: Evaluation, name: str) -> Gate:
    return next(one for one in evaluation.gates if one.id == name)


def criterion(evaluation: Evaluation, name: str, at: str | None = None) -> Criterion:
    """A criterion of the gate ``at``, else of the first that asks for it."""
    gates = [one for one in evaluation.gates if at in (None, one.id)]
    return next(one for found in gates for one in found.criteria if one.id == name)
