"""The README's commands are run, word for word but for the port and the folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from program import environment
from running import ROOT, free_port


def test_the_block_of_commands_works(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"<!-- tested: .*? -->\n```sh\n(.*?)```", text, re.DOTALL)
    script = block.replace("8080", str(free_port()))
    (tmp_path / "config").symlink_to(ROOT / "config")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-euc", script],
        cwd=tmp_path,
        env=environment() | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ran.returncode == 0, ran.stderr
    answers = [json.loads(found) for found in re.findall(r'\{"seq".*?\}', ran.stdout)]
    assert answers[0]["ticket"] == answers[2]["ticket"] == "A001"
    assert answers[-1] == {"seq": 6, "counter": "1", "state": "open", "ticket": None, "call": None}
    assert "the rows agree with the journal" in ran.stderr


def test_every_page_that_the_readme_names_exists() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target
