"""The people of a night: they decide the gates some time after these are due, and take some of the alerts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from slots import Course, Decision

if TYPE_CHECKING:
    from datetime import datetime

    from night import Night

WHO = "A. Moreno"


class People:
    """Act between two samples; what they do is in the audit trail, and the oracle is told of it."""

    def __init__(self, night: Night) -> None:
        self._night = night
        self._luck = random.Random(night.story.seed + 3)
        self._deciding: dict[str, float] = {}
        self._taking: dict[str, float] = {}
        self._heard = 0
        self.course: Course

    def begin(self, since: datetime) -> None:
        """The cutover has ended."""
        self.course = Course(since)

    def hear(self) -> None:
        """Half of what is opened is taken by somebody, soon or late."""
        given = self._night.oracle.pages.given
        for page in given[self._heard :]:
            if page.kind == "alert.opened" and self._luck.random() < 0.5:
                after = self._luck.choice((120.0, 1200.0, 3 * 3600.0)) * self._luck.uniform(0.5, 1.5)
                self._taking.setdefault(page.condition, self._night.world.clock.boot + after)
        self._heard = len(given)

    def act(self) -> None:
        """Do what is due."""
        world, boot = self._night.world, self._night.world.clock.boot
        for gate in self.course.open(world.clock.wall):
            after = self._luck.choice((0.0, 0.0, 600.0, 7200.0)) * self._luck.uniform(0.5, 1.5)
            if self._deciding.setdefault(gate, boot + after) > boot:
                continue
            del self._deciding[gate]
            decision = Decision(gate, self._luck.random() < 0.6, world.clock.wall)
            word = "go" if decision.go else "no-go"
            if decision.go:
                world.gone.add(gate)
            world.event("gate.decided", gate=gate, decision=word, by=WHO, note="", criteria={}, waivers=[])
            self.course.decisions.append(decision)
            self._night.result.gates += 1
        for condition in [name for name, at in self._taking.items() if at <= boot]:
            del self._taking[condition]
            if condition in self._night.oracle.pages.sheets:
                world.event("ack", condition=condition, reason="looking", owner=WHO, until=None)
                self._night.oracle.pages.acknowledged.append(condition)
