"""Every planted fault still applies to the source and names tests that exist; `make mutants` runs them."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from running import ROOT


def _runner() -> ModuleType:
    """``tests/mutants/run.py``, which is a program and no module of the tests."""
    spec = importlib.util.spec_from_file_location("mutants_run", ROOT / "tests" / "mutants" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its module up by name
    spec.loader.exec_module(module)
    return module


runner = _runner()
MUTANTS = runner.mutants()


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_applies_and_names_tests_that_exist(mutant: object) -> None:
    assert runner.apply(mutant, ROOT, "--check") == ""
    assert mutant.tests  # type: ignore[attr-defined]
    for test in mutant.tests:  # type: ignore[attr-defined]
        file, _, name = test.partition("::")
        function = re.escape(name.partition("[")[0].rpartition("::")[2])
        source = Path(ROOT / file).read_text("utf-8")
        assert re.search(rf"^\s*(async )?def {function}\(|^{function} = ", source, re.MULTILINE), test
