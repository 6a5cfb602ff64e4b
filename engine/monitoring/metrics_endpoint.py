"""The endpoint that a Prometheus server on this machine asks for metrics."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from engine.monitoring.exposition import END

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_PATIENCE = 5.0
"""Seconds that somebody who connects may take to ask."""


def endpoint(host: str, port: int, text: Callable[[], str]) -> ThreadingHTTPServer:
    """Answers ``GET /metrics`` with ``text()`` once it serves. OSError when the address cannot be had."""

    class Asked(BaseHTTPRequestHandler):
        timeout = _PATIENCE

        def do_GET(self) -> None:
            if self.path.partition("?")[0] != "/metrics":
                self.send_error(404)
                return
            opened = "application/openmetrics-text" in self.headers.get("Accept", "")
            body = (text() + (END if opened else "")).encode()
            self.send_response(200)
            self.send_header("Content-Type", OPEN_METRICS if opened else TEXT)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

        def handle_error(self, *_: object) -> None:
            """Whoever asked has left."""

    return Server((host, port), Asked)
