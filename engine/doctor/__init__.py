"""Examinations: is what an operation needs there, before it is needed."""

from engine.doctor.deployment import examine_deployment
from engine.doctor.finding import Finding
from engine.doctor.machine import examine_machine

__all__ = ["Finding", "examine_deployment", "examine_machine"]
