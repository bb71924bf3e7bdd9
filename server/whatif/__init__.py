"""What if: a day of the house again with something changed (``docs/whatif.md``)."""

from server.whatif.command import command

__all__ = ["command"]
