"""Intake: appointments out of a file of another system, CSV or iCalendar (``docs/appointments.md``)."""

from server.intake.cli import command

__all__ = ["command"]
