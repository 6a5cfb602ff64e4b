"""The dead-man ping: sent from a thread of its own, and only after the monitor's loop has come round."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping

from engine.clock import Clock, Instant
from engine.config.notify import DeadManSection
from engine.notify.channels import DeliveryFailed
from engine.notify.outage import Outage, Recorder
from engine.notify.secrets import SecretMissing, Secrets
from engine.notify.within import StillHangs, Within

NAME = "dead_man"


class DeadMan:
    """:meth:`beat` never blocks; a ping is due every ``every`` seconds of beats."""

    def __init__(
        self, section: DeadManSection, clock: Clock, recorder: Recorder, environment: Mapping[str, str] | None = None
    ) -> None:
        self._section = section
        self._environment = os.environ if environment is None else environment
        self._within: Within[str] = Within()
        self.outage = Outage(NAME, recorder, clock)
        self._recorder = recorder
        self._last = -1e18
        self._due = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def beat(self, now: Instant) -> None:
        """The loop came round."""
        if now.boot - self._last < self._section.every:
            return
        self._last = now.boot
        self._due.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="notify-dead-man", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """No ping any more."""
        self._stop.set()
        self._due.set()

    def _run(self) -> None:
        while True:
            self._due.wait()
            self._due.clear()
            if self._stop.is_set():
                return
            try:
                self.ping()
            except DeliveryFailed as error:
                self.outage.failed(str(error), {"about": NAME})
            else:
                if self.outage.words:
                    detail = self.outage.over("pinged")
                    self._recorder.record({"about": NAME, "channel": NAME, "ok": True, "detail": detail})

    def ping(self) -> str:
        """One ping, within its deadline. DeliveryFailed with a sentence that holds no secret."""
        from engine.notify import web  # its libraries are paid for by who pings

        section, secrets = self._section, Secrets(self._environment)
        seconds = float(section.deadline)
        try:
            return self._within.run(seconds, lambda: web.ping(section.method, secrets.filled(section.url), seconds))
        except (DeliveryFailed, SecretMissing, StillHangs) as error:
            raise DeliveryFailed(secrets.masked(str(error))) from None
        except Exception as error:  # whatever a library raises must not end the thread
            raise DeliveryFailed(f"failed: {type(error).__name__}") from None
