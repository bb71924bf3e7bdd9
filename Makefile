# make demo, make test: each does all of its own set-up. The rest is for who works on Onthaal.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test fuzz soak mutants pictures words clean

demo: $(VENV)/.runs
	$(BIN)/onthaal demo $(ARGS)

test: $(VENV)/.tests
	tests/real-parts
	$(BIN)/ruff format --check server displays notify tests
	$(BIN)/ruff check server displays notify tests
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --numprocesses 3 --dist worksteal $(ARGS)

fuzz: $(VENV)/.tests
	ONTHAAL_HYPOTHESIS=fuzz $(BIN)/python -m pytest tests/domain $(ARGS)

soak: $(VENV)/.tests
	ONTHAAL_SOAK=1 $(BIN)/python -m pytest -m soak tests $(ARGS)

mutants: $(VENV)/.tests
	$(BIN)/python tests/mutants/run.py $(ARGS)

$(VENV)/bin/python:
	tests/make-venv $(PYTHON) $(VENV)

$(VENV)/.runs: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/.tests: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@ $(VENV)/.runs

pictures: $(VENV)/.tests
	ONTHAAL_PICTURES=1 $(BIN)/python -m pytest tests/e2e/test_pictures.py

# New messages of the pages come into config/locales/*/*.po, empty; prints those that wait for a translation.
words: $(VENV)/.tests
	$(BIN)/python tests/catalogues.py

clean:
	rm -rf $(VENV) dist
