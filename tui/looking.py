"""What the console reads only when somebody looks at it: series, snapshots, the whole trail. Nothing here writes.

Every method may block and is called off the event loop; it raises OpsError with a sentence for the screen.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from engine.errors import Refused

if TYPE_CHECKING:
    from engine.config import Deployment
    from engine.monitoring.columns import Stretch
    from engine.state.plotted import PlotReader, Plotted


class Looks(Protocol):
    """What can be looked at."""

    def plotted(self, name: str, stretch: Stretch) -> Plotted:
        """A condition's metric or a KPI over a stretch of time."""
        ...


class NothingToSee:
    """Where no deployment is behind the console."""

    def plotted(self, name: str, stretch: Stretch) -> Plotted:
        """Refused."""
        raise _nothing()


class EngineLooks:
    """The records of a deployment. The rooms that read them are imported when they are first needed."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    @cached_property
    def _plots(self) -> PlotReader:
        from engine.state.plotted import PlotReader

        return PlotReader(self._deployment)

    def plotted(self, name: str, stretch: Stretch) -> Plotted:
        """A condition's metric or a KPI over a stretch of time."""
        return self._plots.read(name, stretch)


def _nothing() -> Refused:
    return Refused("no records are behind this console", "")
