"""One question to a Prometheus server, asked in a thread of its own: nobody waits for it longer than he wants.

No redirect is followed and no proxy is used: both would carry the token somewhere else.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import stat
import threading
import time
from functools import cache
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from engine.clock import Clock, Instant
from engine.config.prometheus import PrometheusSection
from engine.monitoring.prometheus_answer import LARGEST, Answered, NoValue, read_answer
from engine.records.atomic import open_to_read

_LONGEST_TOKEN = 8192
_BITE = 65536


class Asking:
    """A question under way from its making on. :meth:`give_up` ends it, and its thread, wherever it hangs but in the
    look-up of a name.
    """

    def __init__(self, section: PrometheusSection, query: str, clock: Clock) -> None:
        self._section = section
        self._query = query
        self._clock = clock
        self._until = time.monotonic() + float(section.deadline)
        self._over = threading.Event()
        self._socket: socket.socket | None = None
        self._found: tuple[Answered, Instant] | None = None
        self._late = self._why = f"gives no answer within {float(section.deadline):g} s"
        self._thread = threading.Thread(target=self._ask, name="prometheus", daemon=True)
        self._thread.start()

    @property
    def hangs(self) -> bool:
        """Whether its thread has not ended."""
        return self._thread.is_alive()

    def wait(self) -> None:
        """Until it is answered or its time is over; for who has nothing else to do."""
        self._thread.join(max(self._until - time.monotonic(), 0.0))

    def answer(self) -> tuple[Answered, Instant] | None:
        """What was answered, and when that was here. None: not yet. NoValue: nothing usable, or its time is over."""
        if self.hangs and time.monotonic() < self._until:
            return None
        if self.hangs or self._over.is_set():  # what it says once it was given up is of our own making
            self.give_up()
            raise NoValue(self._late)
        if self._found is None:
            raise NoValue(self._why)
        return self._found

    def give_up(self) -> None:
        """Nothing is waited for any more."""
        self._over.set()
        connected = self._socket
        if connected is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> None:
        try:
            answered = self._answered()
            self._found = (answered, self._clock.now())
        except NoValue as error:
            self._why = str(error)
        except TimeoutError:
            self._why = self._late
        except OSError as error:
            self._why = f"cannot be reached: {_words(error)}"
        except (http.client.HTTPException, ValueError) as error:  # its text repeats what the other side sent
            self._why = f"gives no usable answer over HTTP ({type(error).__name__})"

    def _answered(self) -> Answered:
        token = _token(self._section.token_file)
        parts = urlsplit(self._section.url)
        host, port, left = parts.hostname or "", parts.port, self._left()
        connection = (
            http.client.HTTPSConnection(host, port, timeout=left, context=_trusted())
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=left)
        )
        path = f"{quote(parts.path.rstrip('/'), safe='/%')}/api/v1/query"
        try:
            connection.connect()
            self._socket = connection.sock
            asked = urlencode({"query": self._query, "timeout": f"{float(self._section.deadline):g}s"})
            headers = {"Accept": "application/json", "User-Agent": "abaco-ops", "Connection": "close"}
            if token:
                headers["Authorization"] = f"Bearer {token}"
            connection.request("GET", f"{path}?{asked}", headers=headers)
            answer = connection.getresponse()
            body = self._body(answer)
            try:
                return read_answer(answer.status, answer.headers.get("Content-Type", ""), body)
            except NoValue as error:  # what the server says may repeat what it was sent
                raise NoValue(str(error).replace(token, "***") if token else str(error)) from None
        finally:
            connection.close()

    def _body(self, answer: http.client.HTTPResponse) -> bytes:
        """As much as there is, and one byte more than is taken; a server that drips is left at the deadline."""
        body, wanted = b"", answer.length  # None: until it closes, or in chunks
        while len(body) <= LARGEST and (wanted is None or len(body) < wanted):
            if self._socket is not None:
                self._socket.settimeout(self._left())
            piece = answer.read1(min(_BITE, LARGEST + 1 - len(body)))
            if not piece:
                break
            body += piece
        if wanted is not None and len(body) < min(wanted, LARGEST):
            raise NoValue("breaks off in the middle of its answer")
        return body

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0 or self._over.is_set():
            raise TimeoutError
        return left


@cache
def _trusted() -> ssl.SSLContext:
    """Reading every certificate of this machine takes longer than asking."""
    return ssl.create_default_context()


def _words(error: OSError) -> str:
    refused = getattr(error, "verify_message", "")  # a certificate that does not hold
    return str(refused or error.strerror or type(error).__name__)


def _token(name: str) -> str:
    """The bearer token; empty where none is configured. NoValue when its file is not as it must be."""
    if not name:
        return ""
    try:
        with open_to_read(Path(name)) as stream:
            status = os.fstat(stream.fileno())
            data = stream.read(_LONGEST_TOKEN + 1)
    except OSError as error:
        raise NoValue(f"was not asked: the token file cannot be read ({error.strerror})") from None
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise NoValue("was not asked: others than its owner may read the token file (chmod 600)")
    if status.st_uid not in (0, os.geteuid()):
        raise NoValue("was not asked: the token file belongs to another account")
    token = data.strip()
    if not token or len(data) > _LONGEST_TOKEN or not token.isascii() or any(byte <= 32 for byte in token):
        raise NoValue("was not asked: the token file does not hold one token and nothing else")
    return token.decode()
