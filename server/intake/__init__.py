"""Intake: out of files of other systems, appointments (``docs/appointments.md``) and telephone calls."""

from server.intake.cli import command

__all__ = ["command"]
