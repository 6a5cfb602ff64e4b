"""``config/releases/*.yml``: what a release must offer to be operated, and its pipeline's own settings."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta


class ServiceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The service that runs this release."""

    name: str
    command: list[str] = []
    """Program and arguments of the service, no shell. Places: {python}, {root}, {release}. Under systemd the unit file
    says what runs; ``abaco-ops service exec`` in it runs this."""
    unit: str | None = None
    """The unit that runs it under systemd; null: ``NAME.service``."""
    backend: Literal["embedded", "systemd"] | None = None
    """Where a release says it: the same as ``services.backend`` in ``console.yml``, which decides."""

    @property
    def unit_name(self) -> str:
        """The systemd unit's full name."""
        return self.unit or f"{self.name}.service"


class BuildSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What identifies the code that runs: the hash of the files below."""

    files: list[str]
    """Glob patterns; {engine} is the installed engine's directory, {root} the deployment's."""


class ProgramsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The release's own programs, each a list without a shell. Places as in ``service.command``."""

    kpi: list[str]
    """Takes any number of tapes as further arguments; answers one JSON line per tape, as ``kpi --json``."""
    test: list[str]
    """Exit 0 when the release's own tests pass."""
    verify: list[str]
    """Exit 0 when what the running release published last is right."""


class ReleaseConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One release: the contract it fulfils, and ``pipeline``, which the pipeline itself reads.

    The cutover copies the whole file, byte for byte, over the active configuration.
    """

    version: Literal[1]
    release: str
    title: str
    service: ServiceSection
    build: BuildSection
    decimals: Annotated[int, Meta(ge=0, le=12)]
    """Decimals of the published KPI values."""
    programs: ProgramsSection
    pipeline: dict[str, Any]
