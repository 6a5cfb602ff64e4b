"""A made-up Prometheus server that answers as a test wants, and a deployment that asks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from engine.config import Deployment, load_deployment

CONDITION = """
  QUEUE:
    title: queue depth
    metric: prometheus:queue_depth
    unit: messages
    worse_when: higher
    per: sample
    target: "< 100"
    warning: {enter: 100, hold: 15s}
    critical: {enter: 500}
"""
JSON = "application/json"
QUERIES = "queue_depth: {query: 'sum(queue_depth{release=\"{release}\"})', unit: messages}"


class MadeUp:
    """Answers every question by :attr:`reply`; what was asked is kept."""

    def __init__(self) -> None:
        self.reply: Callable[[BaseHTTPRequestHandler], None] = lambda handler: None
        self.asked: list[str] = []
        self.tokens: list[str | None] = []
        self.let_go = threading.Event()
        outer = self

        class Asked(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(parse_qs(urlsplit(self.path).query).get("query", [self.path])[0])
                outer.tokens.append(self.headers.get("Authorization"))
                outer.reply(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Asked)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()

    def says(self, body: bytes, status: int = 200, kind: str = JSON, **headers: str) -> None:
        """The same answer to every question."""
        self.reply = lambda handler: send(handler, body, status, kind, **headers)

    def gives(self, *values: str, at: float | Callable[[], float]) -> None:
        """A vector of these values, for the moment ``at``."""
        self.reply = lambda handler: send(handler, vector(*values, at=at() if callable(at) else at))

    def hangs(self) -> None:
        """No question is answered until the server is closed."""
        self.reply = lambda handler: self._wait()

    def _wait(self) -> None:
        self.let_go.wait(30)


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, kind: str = JSON, **headers: str) -> None:
    handler.send_response(status)
    own = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **own}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def vector(*values: str, at: float) -> bytes:
    result = [{"metric": {"n": str(number)}, "value": [at, value]} for number, value in enumerate(values)]
    return answer({"resultType": "vector", "result": result})


def answer(data: Any, **more: Any) -> bytes:
    return json.dumps({"status": "success", "data": data, **more}).encode()


@contextmanager
def made_up() -> Iterator[MadeUp]:
    server = MadeUp()
    try:
        yield server
    finally:
        server.close()


def asking(
    deployment: Deployment, url: str, *, more: str = "", queries: str = QUERIES, condition: str = CONDITION
) -> Deployment:
    """The same deployment with a condition on what the server at ``url`` measures, asked every 5 s."""
    path = deployment.paths.config / "monitoring.yml"
    text = path.read_text().replace("\nconditions:\n", f"\nconditions:\n{condition}", 1)
    section = f"\nprometheus:\n  url: '{url}'\n  every: 5s\n  {more or 'deadline: 5s'}\n  queries:\n    {queries}\n"
    path.write_text(text + section)
    return load_deployment(deployment.root)


def answered() -> None:
    """Every question that is under way has been answered, or given up."""
    for thread in threading.enumerate():
        if thread.name == "prometheus":
            thread.join(20)
            assert not thread.is_alive()
