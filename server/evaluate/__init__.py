"""Evaluate: a forecast held against recorded days (``docs/forecast.md``)."""

from server.evaluate.command import command

__all__ = ["command"]
