"""The ways in which people reach a program, and how each of them is lost: a terminal, an SSH connection, tmux."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import pty
import re
import selectors
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil
import pyte

KEYS = {"Enter": "\r", "Escape": "\x1b", "Tab": "\t"}
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
SSH = shutil.which("ssh")


class Pty:
    """A terminal window: a pty with a program in it, read all the time; :meth:`close` is the window closed."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], columns: int = 80) -> None:
        self._screen = pyte.Screen(columns, 24)
        self._stream = pyte.ByteStream(self._screen)
        self._guard = threading.Lock()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], list(command), {**os.environ, **env})
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with selectors.DefaultSelector() as ready, contextlib.suppress(OSError):
            ready.register(self._fd, selectors.EVENT_READ)
            while not self._over.is_set():
                if ready.select(0.02):
                    data = os.read(self._fd, 65536)
                    if not data:
                        return
                    with self._guard:
                        self._stream.feed(data)

    def keys(self, *names: str) -> None:
        """Press keys, by name or as themselves."""
        for name in names:
            os.write(self._fd, KEYS.get(name, name).encode())

    def type(self, text: str) -> None:
        """Type a text as fingers do, not as a paste."""
        for letter in text:
            self.keys(letter)
            time.sleep(0.02)

    def screen(self) -> str:
        """What is on the screen now."""
        with self._guard:
            return "\n".join(self._screen.display)

    def wait_for(self, pattern: str, timeout: float = 30.0) -> str:
        """Wait until the screen matches. AssertionError shows the last screen."""
        until = time.monotonic() + timeout
        while not re.search(pattern, screen := self.screen()):
            assert time.monotonic() < until, f"{pattern!r} did not appear in {timeout:.0f} s:\n{screen}"
            time.sleep(0.03)
        return screen

    def hang_up(self) -> None:
        """The window is closed: the kernel sends SIGHUP to what runs in it."""
        self._over.set()
        self._reader.join()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def close(self) -> None:
        """Hang up and collect the child. One that does not go by itself within 10 s is killed."""
        self.hang_up()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                if os.waitpid(self.pid, os.WNOHANG)[0]:
                    return
            except ChildProcessError:
                return
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Line:
    """A connection's way through the network: passes bytes on to ``port`` until it is cut, and then tells nobody."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.far_port = 0
        """The port from which the connection reaches the server."""
        self._cut = threading.Event()
        self._over = threading.Event()
        self._open: list[socket.socket] = [self._listener]
        threading.Thread(target=self._carry, daemon=True).start()

    def _carry(self) -> None:
        with contextlib.suppress(OSError):
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._port))
            self.far_port = far.getsockname()[1]
            self._open += [near, far]
            other = {near: far, far: near}
            with selectors.DefaultSelector() as ready:
                for end in other:
                    ready.register(end, selectors.EVENT_READ)
                while not (self._cut.is_set() or self._over.is_set()):
                    for key, _ in ready.select(0.02):
                        end = key.fileobj
                        assert isinstance(end, socket.socket)
                        data = end.recv(65536)
                        if self._cut.is_set():
                            return
                        if not data:
                            near.close()
                            far.close()
                            return
                        other[end].sendall(data)

    def cut(self) -> None:
        """From now on nothing gets through, and no end is told."""
        self._cut.set()

    def close(self) -> None:
        """Give the sockets back."""
        self._over.set()
        for each in self._open:
            each.close()


class Sshd:
    """A real sshd on a port of its own, with keys made for it."""

    def __init__(self, place: Path) -> None:
        self._place = place
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        for name in ("host", "id"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", place / name], check=True)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": place / "host",
            "AuthorizedKeysFile": place / "id.pub",
            "PidFile": place / "sshd.pid",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
        }
        (place / "sshd_config").write_text("".join(f"{key} {value}\n" for key, value in settings.items()))
        self._log = (place / "sshd.log").open("wb")
        assert SSHD is not None
        self._process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(place / "sshd_config")], stdin=subprocess.DEVNULL, stderr=self._log
        )
        self._await_port()

    def _await_port(self) -> None:
        until = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"sshd does not listen: {(self._place / 'sshd.log').read_text()}")
            time.sleep(0.02)

    def client(self, port: int, command: str) -> list[str]:
        """The client's command line for a terminal session through ``port``."""
        options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={self._place / 'known'}", "LogLevel=ERROR"]
        words = [str(SSH), "-F", "none", "-tt", "-i", str(self._place / "id"), "-p", str(port)]
        for option in options:
            words += ["-o", option]
        return [*words, f"{getpass.getuser()}@127.0.0.1", command]

    def kill_session(self, port: int) -> None:
        """SIGKILL to the sshd processes of the connection from this port; what runs in it is not touched."""
        for process in self._sessions():
            with contextlib.suppress(psutil.Error):
                if any(each.raddr and each.raddr.port == port for each in process.net_connections()):
                    process.kill()

    def _sessions(self) -> list[psutil.Process]:
        found = psutil.Process(self._process.pid).children(recursive=True)
        return [process for process in found if process.name().startswith("sshd")]

    def close(self) -> None:
        """End it."""
        for process in self._sessions():
            process.kill()
        self._process.kill()
        self._process.wait()
        self._log.close()


class OverSsh(Pty):
    """A terminal window with an SSH session in it."""

    def __init__(self, sshd: Sshd, command: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        self._sshd = sshd
        self._line = Line(sshd.port)
        settings = [f"{key}={value}" for key, value in env.items()]
        remote = f"cd {shlex.quote(str(cwd))} && exec {shlex.join(['env', *settings, *command])}"
        super().__init__(sshd.client(self._line.port, remote), cwd=cwd, env=env)

    def kill_client(self) -> None:
        """The laptop's battery is empty, and its kernel still closes the connection."""
        os.kill(self.pid, signal.SIGKILL)

    def kill_session(self) -> None:
        """The server's end of the connection dies."""
        self._sshd.kill_session(self._line.far_port)

    def cut_line(self) -> None:
        """Nobody is told."""
        self._line.cut()

    def time_out(self) -> None:
        """Long after it was cut: the server's kernel gives the connection up."""
        self._line.close()

    def close(self) -> None:
        """Whatever is left of it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        super().close()
        self._line.close()


def programs_of(root: Path) -> Iterator[psutil.Process]:
    """Every console and every command of this deployment that somebody started at a terminal."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = process.cmdline()
            if "tui.main" in words and str(root) in words and process.status() != psutil.STATUS_ZOMBIE:
                yield process
