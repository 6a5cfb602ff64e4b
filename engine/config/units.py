"""The names of systemd units in the configuration."""

from __future__ import annotations

import re

from engine.config.console import ServicesSection
from engine.config.located import Located
from engine.config.release import ServiceSection

_UNIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9:_.\\-]*(@[A-Za-z0-9:_.\\-]*)?\.service")
_LONGEST = 200
"""A unit's name has 255 characters at most; an instance's is longer than its template's."""


def check_services(located: Located, services: ServicesSection) -> None:
    """``services`` in ``console.yml``: a template for operations, a plain unit for the monitor, both under systemd."""
    template, monitor = services.operation_unit, services.monitor_unit
    if template is not None and (not _is_unit(template) or not template.removesuffix(".service").endswith("@")):
        right = "the template's own name, such as abaco-ops-operation@.service"
        located.report(("services", "operation_unit"), f"is {template!r}, no template unit", right)
    if monitor is not None and (not _is_unit(monitor) or monitor.removesuffix(".service").endswith("@")):
        located.report(("services", "monitor_unit"), f"is {monitor!r}, no unit", "such as abaco-ops-monitor.service")
    if services.backend != "systemd":
        for key in ("operation_unit", "monitor_unit"):
            if getattr(services, key) is not None:
                located.report(("services", key), "is given, and services.backend is embedded", "backend: systemd")


def check_unit(located: Located, service: ServiceSection, backend: str) -> None:
    """``service`` of a release: its unit can be one, and what it says about the backend is what is in force.

    ``backend`` is that of ``console.yml``; empty where that cannot be read.
    """
    if service.unit is not None and (not _is_unit(service.unit) or "@.service" in service.unit):
        right = "one unit with its suffix, such as abaco-v1.service"
        located.report(("service", "unit"), f"is {service.unit!r}, no unit of a service", right)
    if backend and service.backend is not None and service.backend != backend:
        right = "leave it out here: services.backend in console.yml decides for both releases"
        located.report(("service", "backend"), f"is {service.backend}, and console.yml says {backend}", right)


def instance(template: str, name: str) -> str:
    """The template's instance of this name: ``abaco-ops-operation@0003-cutover.service``."""
    return template.replace("@.", f"@{name}.", 1)


def _is_unit(name: str) -> bool:
    return len(name) <= _LONGEST and _UNIT.fullmatch(name) is not None
