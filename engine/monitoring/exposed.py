"""Where the metrics are put: a file for the node exporter, an endpoint on loopback. The monitor waits for neither."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from engine.config import Deployment
from engine.monitoring.exposition import exposition
from engine.monitoring.model import Evaluation
from engine.records import harmless
from engine.records.atomic import write_file

if TYPE_CHECKING:  # imported where somebody asked for it
    from http.server import ThreadingHTTPServer

READABLE = 0o644
"""The node exporter is another account."""


class Exposed:
    """The metrics of the newest evaluation, where the section says. :meth:`show` never blocks and never raises."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._section = deployment.monitoring.metrics
        self._text = ""
        self._new = threading.Event()
        self._over = threading.Event()
        self._writer: threading.Thread | None = None
        self._server: ThreadingHTTPServer | None = None
        self._file_trouble = self._server_trouble = ""

    def show(self, evaluation: Evaluation) -> list[str]:
        """Put it out as the newest; what does not work, in words."""
        if not self._section.text_file and not self._section.listen:
            return []
        self._text = exposition(self._deployment, evaluation)
        if self._section.listen and self._server is None:
            self._listen()
        if self._section.text_file:
            self._new.set()
            if self._writer is None or not self._writer.is_alive():
                self._writer = threading.Thread(target=self._write, name="metrics-file", daemon=True)
                self._writer.start()
        return [trouble for trouble in (self._file_trouble, self._server_trouble) if trouble]

    def close(self) -> None:
        """Nothing is answered any more; the file stays, and its time stamp says how old it is."""
        self._over.set()
        self._new.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _write(self) -> None:
        path = Path(self._section.text_file)
        while True:
            self._new.wait()
            self._new.clear()
            if self._over.is_set():
                return
            try:
                write_file(path, self._text.encode(), READABLE)
                self._file_trouble = ""
            except OSError as error:
                self._file_trouble = f"metrics: {harmless(str(path))}: {error.strerror}"

    def _listen(self) -> None:
        from engine.monitoring.metrics_endpoint import endpoint

        try:
            self._server = endpoint(*self._section.address, lambda: self._text)
        except OSError as error:
            self._server_trouble = f"metrics: {self._section.listen}: {error.strerror}"
            return
        self._server_trouble = ""
        threading.Thread(target=self._server.serve_forever, name="metrics-endpoint", daemon=True).start()
