"""What the console reads only when somebody looks at it: series, snapshots, the whole trail. Nothing here writes.

Every method may block and is called off the event loop; it raises OpsError with a sentence for the screen.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, cast

from engine.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.config import Deployment
    from engine.monitoring.columns import Stretch
    from engine.state.kept_snapshots import KeptFile, KeptSnapshot, Verified
    from engine.state.plotted import PlotReader, Plotted
    from engine.state.trail_pages import Filter, TrailPage
    from engine.validation.history import History


class Looks(Protocol):
    """What can be looked at."""

    def plotted(self, name: str, stretch: Stretch) -> Plotted:
        """A condition's metric or a KPI over a stretch of time."""
        ...

    def snapshots(self) -> tuple[KeptSnapshot, ...]:
        """Every snapshot, newest first."""
        ...

    def files(self, snapshot: str) -> tuple[KeptFile, ...]:
        """Those of one snapshot, as its manifest has them."""
        ...

    def verify(self, snapshot: str) -> Verified:
        """Read and hash every file of a snapshot."""
        ...

    def trail_before(self, before: int | None, wanted: Filter) -> TrailPage:
        """The page of the audit trail that ends at a place; None: at its end."""
        ...

    def trail_after(self, after: int, wanted: Filter) -> TrailPage:
        """What was added to it since."""
        ...

    def check(self, name: str) -> tuple[tuple[str, str], ...]:
        """One check of the newest validation report, whole: every issue, every figure with its rows."""
        ...

    def validations(self) -> History:
        """Earlier validations, oldest first."""
        ...

    def validation(self, name: str) -> tuple[tuple[str, str], ...]:
        """One of their reports, whole."""
        ...

    def output(self, operation: str) -> tuple[str, ...]:
        """Everything that an operation has said."""
        ...


class NothingToSee:
    """Where no deployment is behind the console: whatever is asked for is refused."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


def nothing_to_see() -> Looks:
    """Looks at nothing."""
    return cast(Looks, NothingToSee())


class EngineLooks:
    """The records of a deployment. The rooms that read them are imported when they are first needed."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def take_up(self, deployment: Deployment) -> None:
        """What is looked at from now on is looked at by this configuration: it was edited."""
        self._deployment = deployment
        self.__dict__.pop("_plots", None)

    @cached_property
    def _plots(self) -> PlotReader:
        from engine.state.plotted import PlotReader

        return PlotReader(self._deployment)

    def plotted(self, name: str, stretch: Stretch) -> Plotted:
        """A condition's metric or a KPI over a stretch of time."""
        return self._plots.read(name, stretch)

    def snapshots(self) -> tuple[KeptSnapshot, ...]:
        """Every snapshot, newest first."""
        from engine.state.kept_snapshots import kept_snapshots

        return kept_snapshots(self._deployment)

    def files(self, snapshot: str) -> tuple[KeptFile, ...]:
        """Those of one snapshot, as its manifest has them."""
        from engine.state.kept_snapshots import kept_files

        return kept_files(self._deployment, snapshot)

    def verify(self, snapshot: str) -> Verified:
        """Read and hash every file of a snapshot."""
        from engine.clock import SystemClock
        from engine.state.kept_snapshots import verify_kept

        return verify_kept(self._deployment, snapshot, SystemClock())

    def trail_before(self, before: int | None, wanted: Filter) -> TrailPage:
        """The page of the audit trail that ends at a place."""
        from engine.state.trail_pages import page_before

        return page_before(self._deployment.paths.events, before, wanted)

    def trail_after(self, after: int, wanted: Filter) -> TrailPage:
        """What was added to it since."""
        from engine.state.trail_pages import page_after

        return page_after(self._deployment.paths.events, after, wanted)

    def check(self, name: str) -> tuple[tuple[str, str], ...]:
        """One check of the newest validation report, whole."""
        from engine.state.written import whole_check

        return whole_check(self._deployment.paths.validation_report, name)

    def validations(self) -> History:
        """Earlier validations, oldest first."""
        from engine.state.past_validations import past_validations

        return past_validations(self._deployment)

    def validation(self, name: str) -> tuple[tuple[str, str], ...]:
        """One of their reports, whole."""
        from engine.state.past_validations import whole_validation

        return whole_validation(self._deployment, name)

    def output(self, operation: str) -> tuple[str, ...]:
        """Everything that an operation has said."""
        from engine.state.written import whole_output

        return whole_output(self._deployment.paths.operation(operation) / "output.log")


def _nothing(*_: Any, **__: Any) -> NoReturn:
    raise Refused("no records are behind this console", "abaco-ops opens it on a deployment")
