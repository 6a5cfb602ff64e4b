"""The section ``metrics`` of ``config/monitoring.yml``: where the monitor's figures are put for Prometheus."""

import ipaddress
from pathlib import PurePosixPath

import msgspec

from engine.config.located import Located


class MetricsSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Both are empty by default: nothing is exposed."""

    text_file: str = ""
    """Absolute path of a file for a node exporter's text file collector; its name ends in ``.prom``."""
    listen: str = ""
    """``127.0.0.1:9464``: answers ``GET /metrics`` there; this machine only."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of :attr:`listen`. ValueError when it is none, or not one of this machine alone."""
        host, _, port = self.listen.rpartition(":")
        bare = host.removeprefix("[").removesuffix("]")
        if not ipaddress.ip_address(bare).is_loopback or not 0 < int(port) < 65536:
            raise ValueError(self.listen)
        return bare, int(port)


def check_metrics(located: Located, section: MetricsSection) -> None:
    """Report what cannot work."""
    if section.text_file:
        path = PurePosixPath(section.text_file)
        if not path.is_absolute() or path.suffix != ".prom":
            located.report(
                ("metrics", "text_file"), "is no absolute path that ends in .prom", "the collector reads *.prom only"
            )
    if section.listen:
        try:
            section.address  # noqa: B018 - for what it raises
        except ValueError:
            located.report(
                ("metrics", "listen"), "is no loopback address with a port", "127.0.0.1:9464: nothing else may ask"
            )
