"""``onthaal config import`` and ``config show``: what changes, what is refused, what counts."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from pathlib import Path

import program
import pytest
from program import ROOT
from running import MECHELEN, Onthaal

SITE = """
[sites.{site}]
name = "{site}"
time_zone = "Europe/Brussels"
[sites.{site}.opening]
mon = ["09:00-12:00"]
[[sites.{site}.services]]
id = "passport"
name = "Passports"
kind = "theme"
range = "A"
target_s = 300
"""

COUNTER = """
[[sites.{site}.counters]]
id = "{id}"
services = ["passport"]
"""


def town(*counters: str, site: str = "town") -> str:
    return SITE.format(site=site) + "".join(COUNTER.format(site=site, id=each) for each in counters)


def config(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """``onthaal config ...`` on the database ``onthaal.db`` of a folder."""
    return program.run("config", *arguments, cwd=folder)


def imported(folder: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A text, imported as a file of the folder."""
    (folder / "house.toml").write_text(text)
    return config(folder, "import", "house.toml", *options)


def shown(folder: Path) -> str:
    ran = config(folder, "show")
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def with_journal(folder: Path, *sites: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "onthaal.db")) as database:
        for site in sites:
            database.execute("INSERT INTO journal VALUES (?, 1, 0, 'x', '{}')", (site,))
        database.commit()


def test_an_import_says_what_changes_and_show_what_counts(tmp_path: Path) -> None:
    old = "# Ours.\n" + town("1", "2", "9")
    assert imported(tmp_path, old).returncode == 0
    assert shown(tmp_path) == old
    new = town("1", "2", "10").replace("300", "240").replace('name = "town"', 'name = "Café"\nnotice = ""')
    changes = [
        'sites.town.counters.9.id: "9" -> (none)',
        'sites.town.counters.9.services: ["passport"] -> (none)',
        'sites.town.counters.10.id: (none) -> "10"',
        'sites.town.counters.10.services: (none) -> ["passport"]',
        'sites.town.name: "town" -> "Café"',
        'sites.town.notice: (none) -> ""',
        "sites.town.services.passport.target_s: 300 -> 240",
    ]
    tried = imported(tmp_path, new, "--dry-run")
    assert (tried.returncode, tried.stdout.splitlines()) == (0, changes)
    assert tried.stderr == "7 keys would change; nothing is imported\n"
    assert shown(tmp_path) == old
    done = imported(tmp_path, new)
    assert (done.returncode, done.stdout.splitlines()) == (0, changes)
    assert done.stderr == "7 keys changed; a running server takes this at its next start\n"
    assert shown(tmp_path) == new


def test_another_order_of_counters_is_a_change(tmp_path: Path) -> None:
    assert imported(tmp_path, town("1", "2", "3")).returncode == 0
    done = imported(tmp_path, town("2", "1", "4"))
    assert done.stdout.splitlines() == [
        'sites.town.counters: ["1", "2"] -> ["2", "1"]',
        'sites.town.counters.3.id: "3" -> (none)',
        'sites.town.counters.3.services: ["passport"] -> (none)',
        'sites.town.counters.4.id: (none) -> "4"',
        'sites.town.counters.4.services: (none) -> ["passport"]',
    ]


def test_a_comment_changes_no_key_and_is_kept(tmp_path: Path) -> None:
    assert imported(tmp_path, town("1")).returncode == 0
    done = imported(tmp_path, "# New.\n" + town("1"))
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("0 keys changed; ")
    assert shown(tmp_path).startswith("# New.\n")


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_sites_with_a_journal_do_not_disappear_unasked(tmp_path: Path, options: tuple[str, ...]) -> None:
    old = "".join(town("1", site=site) for site in ("east", "north", "south", "west"))
    assert imported(tmp_path, old).returncode == 0
    with_journal(tmp_path, "west", "east", "south")
    refused = imported(tmp_path, town("1", site="south"), *options)
    assert (refused.returncode, refused.stdout) == (1, "")
    (line,) = refused.stderr.splitlines()
    assert line.startswith("onthaal: house.toml would remove the sites east, west, which have a journal")
    assert "--remove-sites" in line
    assert shown(tmp_path) == old
    done = imported(tmp_path, town("1", site="south"), "--remove-sites", *options)
    assert done.returncode == 0
    assert 'sites.north.name: "north" -> (none)' in done.stdout
    assert shown(tmp_path) == (old if options else town("1", site="south"))


def test_a_site_without_a_journal_may_go(tmp_path: Path) -> None:
    assert imported(tmp_path, town("1", site="east") + town("1", site="west")).returncode == 0
    with_journal(tmp_path, "east")
    assert imported(tmp_path, town("1", site="east")).returncode == 0


def test_the_house_of_a_server_with_visits_is_not_removed(tmp_path: Path) -> None:
    server = Onthaal(tmp_path)
    try:
        server.start()
        visit = {"service": "onthaal"}
        assert server.client("kiosk").post("/sites/mechelen/visits", json=visit).status_code == 200
        (tmp_path / "wrong.toml").write_text(town("1"))
        refused = config(tmp_path, "import", "wrong.toml", "--database", server.url)
        assert refused.returncode == 1
        assert "the site mechelen, which has a journal" in refused.stderr
        assert config(tmp_path, "show", "--database", server.url).stdout == MECHELEN.read_text()
    finally:
        server.close()


def test_show_and_a_dry_run_make_no_database(tmp_path: Path) -> None:
    ran = config(tmp_path, "show")
    assert (ran.returncode, ran.stdout) == (1, "")
    (line,) = ran.stderr.splitlines()
    assert line.startswith("onthaal: onthaal.db has no configuration yet; ")
    tried = imported(tmp_path, town("1"), "--dry-run")
    assert (tried.returncode, tried.stdout) == (0, "")
    assert tried.stderr == "the database is empty, and would take the file; nothing is imported\n"
    assert [file.name for file in tmp_path.iterdir()] == ["house.toml"]


def test_show_and_a_dry_run_leave_an_older_database_as_it_is(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "onthaal.db")) as database:
        database.execute("PRAGMA journal_mode=WAL")
        assert config(tmp_path, "show").returncode == 1
        assert imported(tmp_path, town("1"), "--dry-run").returncode == 0
        assert database.execute("SELECT name FROM sqlite_schema").fetchall() == []


# --- the policies of punctuality ----------------------------------------------------------------


def policy(version: str, grace_s: int, site: str = "town") -> str:
    return f'[[sites.{site}.punctuality]]\nversion = "{version}"\ngrace_s = {grace_s}\n'


def test_lines_that_figures_were_told_by_do_not_change_under_their_version(tmp_path: Path) -> None:
    assert imported(tmp_path, town("1") + policy("2026-1", 300)).returncode == 0
    said = (
        'onthaal: house.toml: sites.town.punctuality[0].grace_s: is 600, but version "2026-1" has 300, and '
        "figures were told by it: a changed line needs a version of its own\n"
    )
    for options in ((), ("--dry-run",)):
        refused = imported(tmp_path, town("1") + policy("2026-1", 600), *options)
        assert (refused.returncode, refused.stdout, refused.stderr) == (1, "", said)
    assert shown(tmp_path).endswith("grace_s = 300\n")
    documented = " ".join((ROOT / "docs/punctuality.md").read_text().split())
    assert said.removeprefix("onthaal: ").strip().replace("town", "mechelen") in documented
    # A version of its own is taken, also without the old one, which comes back as it was or not at all.
    assert imported(tmp_path, town("1") + policy("2027-1", 600)).returncode == 0
    assert imported(tmp_path, town("1") + policy("2026-1", 600)).stderr == said
    assert imported(tmp_path, town("1") + policy("2026-1", 300) + policy("2027-1", 600)).returncode == 0


def test_a_changed_line_stops_the_start(tmp_path: Path) -> None:
    house = tmp_path / "house.toml"
    house.write_text(town("1") + policy("2026-1", 300))
    server = Onthaal(tmp_path, config=house)
    server.start()
    server.stop()
    server.close()
    # Another hand changed the stored text: the import would have refused it.
    with contextlib.closing(sqlite3.connect(server.database)) as database:
        database.execute("UPDATE configuration SET text = replace(text, 'grace_s = 300', 'grace_s = 301')")
        database.commit()
    ran = program.run("serve", "--port", str(server.port), "--database", server.url, cwd=tmp_path)
    assert ran.returncode == 1
    assert "the configuration in the database: sites.town.punctuality[0].grace_s: is 301, but" in ran.stderr


def test_what_was_told_before_policies_were_configuration_was_told_by_the_default(tmp_path: Path) -> None:
    assert imported(tmp_path, town("1")).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "onthaal.db")) as database:
        found = database.execute("SELECT site, version, early_s, grace_s, cancel_in_time_s FROM policy")
        assert found.fetchall() == [("town", "2026-1", 900, 300, 86_400)]
    assert imported(tmp_path, town("1") + policy("2026-1", 240)).returncode == 1
