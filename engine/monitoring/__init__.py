"""Monitoring: samples, conditions, verdicts and alerts, the gates and the checklist; a process of its own keeps on."""
