"""Real servers on loopback: HTTP and SMTP, that answer, refuse, hang, or drip."""

from __future__ import annotations

import base64
import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Web:
    """What arrived, and how the server answers."""

    port: int = 0
    status: int = 200
    answer: Callable[[bytes], int] | None = None
    """The status by what arrived; None: ``status`` for everything."""
    location: str = ""
    hangs: threading.Event = field(default_factory=threading.Event)
    """Set: every request waits until it is cleared."""
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for method, _, _, body in self.requests if method == "POST" and body]


@contextmanager
def web_server() -> Iterator[Web]:
    found, over = Web(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            while found.hangs.is_set() and not over.is_set():
                over.wait(0.01)
            found.requests.append((self.command, self.path, dict(self.headers), body))
            try:
                self.send_response(found.answer(body) if found.answer else found.status)
                if found.location:
                    self.send_header("Location", found.location)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # who asked has given up
            found.arrived.release()

        do_GET = do_POST = _any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@dataclass
class Post:
    """An SMTP server's letters, and how it behaves."""

    port: int = 0
    login: tuple[str, str] | None = None
    refuses: str = ""
    """The command that is answered with 550."""
    silent: bool = False
    """True: it accepts the connection and never says a word."""
    letters: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)


@contextmanager
def mail_server() -> Iterator[Post]:
    found, over = Post(), threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            if found.silent:
                over.wait()
                return
            self.say("220 loopback")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                found.commands.append(word)
                if word == found.refuses:
                    self.say(f"550 no, {line}")
                elif word == "EHLO":
                    self.say("250-loopback")
                    self.say("250 AUTH PLAIN" if found.login else "250 OK")
                elif word == "AUTH":
                    given = base64.b64decode(line.split()[2]).decode().split("\0")[1:]
                    self.say("235 welcome" if tuple(given) == found.login else f"535 no, {line}")
                elif word == "DATA":
                    self.say("354 go on")
                    found.letters.append(self._letter())
                    self.say("250 taken")
                elif word == "QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 OK")

        def _letter(self) -> str:
            lines: list[str] = []
            while (line := self.rfile.readline().decode()) not in (".\r\n", ""):
                lines.append(line)
            return "".join(lines)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield found
        finally:
            over.set()
            server.shutdown()


@contextmanager
def dripping_server() -> Iterator[int]:
    """Sends a byte now and then and never ends: each single read succeeds."""
    over = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
            while not over.wait(0.02):
                try:
                    connection.sendall(b"x")
                except OSError:
                    return

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        listening.close()


def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def until(met: Any, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
