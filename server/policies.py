"""The policies of punctuality that a database knows: lines that figures were once told by do not change.

Everything here is a plain function over a connection.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from server import database as db
from server.clock import real_now
from server.config_tables import Place
from server.domain.house import House
from server.domain.punctuality import Policy

_table = db.policy


def known(connection: sa.Connection, site: str) -> dict[str, Policy]:
    """Every policy that a site ever had, by version, the oldest first."""
    rows = connection.execute(
        sa.select(_table).where(_table.c.site == site).order_by(_table.c.first_at, _table.c.version)
    )
    return {row.version: _policy(row) for row in rows}


def keep(connection: sa.Connection, houses: Iterable[House], name: str) -> None:
    """Note the policies of these houses for good; ``name`` is what errors call their configuration.

    Raises ``ConfigError`` where one has other lines than the database knows under its version.
    """
    now = real_now()
    for house in houses:
        before = known(connection, house.site)
        for index, policy in enumerate(house.punctuality):
            if policy.version not in before:
                row = {"site": house.site, "version": policy.version, "first_at": now, **_lines(policy)}
                connection.execute(_table.insert(), row)
                continue
            old = _lines(before[policy.version])
            for line, given in _lines(policy).items():
                if given != old[line]:
                    Place(name, f"sites.{house.site}.punctuality[{index}].{line}").fail(
                        f'is {given}, but version "{policy.version}" has {old[line]}, and figures were told '
                        "by it: a changed line needs a version of its own"
                    )


def find(connection: sa.Connection, house: House, version: str | None) -> Policy | None:
    """The policy of a version, which the configuration need no longer have; by default the one that counts.

    None where no policy of the house ever had that version.
    """
    if version is None:
        return house.policy
    here = {policy.version: policy for policy in house.punctuality}
    return here.get(version) or known(connection, house.site).get(version)


def _lines(policy: Policy) -> dict[str, int]:
    return {
        "early_s": policy.early_s,
        "grace_s": policy.grace_s,
        "cancel_in_time_s": policy.cancel_in_time_s,
    }


def _policy(row: sa.Row[Any]) -> Policy:
    return Policy(
        version=row.version,
        early_s=row.early_s,
        grace_s=row.grace_s,
        cancel_in_time_s=row.cancel_in_time_s,
    )
