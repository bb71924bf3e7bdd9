"""Replay: what a house and its rules make of a recorded day (``docs/replay.md``)."""

from server.replay.cli import command
from server.replay.run import Result, Served, replay
from server.replay.trace import Row, TraceError

__all__ = ["Result", "Row", "Served", "TraceError", "command", "replay"]
