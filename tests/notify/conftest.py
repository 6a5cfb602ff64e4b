from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from servers import Post, Web, mail_server, web_server

from engine.config import Deployment, load_deployment
from engine.config.notify import NotifySection
from engine.config.paths import Paths
from engine.config.templates import write_config
from engine.config.typed import decode_quantity

Configure = Callable[..., Deployment]


@pytest.fixture
def web() -> Iterator[Web]:
    with web_server() as found:
        yield found


@pytest.fixture
def smtp() -> Iterator[Post]:
    with mail_server() as found:
        yield found


@pytest.fixture(scope="session")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    root = tmp_path_factory.mktemp("shipped") / "d"
    write_config(root, demo=True)
    return load_deployment(root)


@pytest.fixture
def configure(shipped: Deployment, tmp_path: Path) -> Configure:
    """A deployment with these channels, every message by each of them, and tried again at once."""

    def make(channels: dict[str, Any], **sections: Any) -> Deployment:
        notify = {
            "channels": channels,
            "routes": [{"channels": list(channels)}],
            "retry": "20ms",
            "retry_longest": "50ms",
            **sections,
        }
        section = msgspec.convert(notify, NotifySection, dec_hook=decode_quantity)
        paths = Paths(tmp_path / "d")
        paths.logs.mkdir(parents=True, exist_ok=True)
        return replace(shipped, paths=paths, monitoring=msgspec.structs.replace(shipped.monitoring, notify=section))

    return make
