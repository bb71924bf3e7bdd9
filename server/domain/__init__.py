"""The rules of the hall: pure functions over values, standard library only.

Instants are integer microseconds since 1970-01-01T00:00Z; durations are integer seconds
(their names end in ``_s``). Nothing in here reads a clock, does I/O or knows asyncio.
"""
