# Two commands are enough: `make demo` and `make test`. Both make their own virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Compiled files are kept, whatever the environment says: the tests start thousands of short processes.
export PYTHONDONTWRITEBYTECODE =

# The conversations that `make test` tells: the first one, the traps, overtaken plans, commands that are cut off, what the threat table names. All take half an hour (`make stories`).
TOLD := tests/conversations/test_first.py tests/conversations/test_traps.py \
	$(addprefix tests/conversations/test_,$(addsuffix .py,approvals audit comments_hostile cut_off direct_pushes forks_and_drafts gates locks lost order overtaken withdrawn))

# A third of what a test does is waiting.
WORKERS := $(shell expr $$(nproc) \* 3 / 2)

# They keep all cores busy by themselves.
STORMS := tests/soak/test_storms.py tests/crash/test_bot.py

.PHONY: help demo demo-cli stories test lint format bench contract crash soak soak-selftest docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    watch a team work on pull requests (KEEP=1: it stays up to play with)"
	@echo "make demo-cli  the same shop from the command line alone"
	@echo "make test    lint and all tests, as CI runs them"
	@echo "make lint    format, lint, types and layers"
	@echo "make bench   the figures of docs/benchmarks.md (needs npm)"
	@echo "make contract  hold what the bot sends against GitHub's own description (needs npm)"
	@echo "make stories all conversations on pull requests (long: half an hour on two cores; STORE=postgresql: there)"
	@echo "make crash   kill deploys, and the bot, at every point and not only at a sample (hours; PART=1/8: the bot alone, each eighth)"
	@echo "make soak    storms of faults against real processes (SEED=1 RUNS=20 DATABASE=sqlite FAULTS=1,2 PULLS=20 SCENARIO=file SHRINK=1)"
	@echo "make soak-selftest  break the code on purpose: the storms' judges must catch it"
	@echo "make docs    write the generated pages anew"

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/python examples/demo.py $(if $(KEEP),--keep)

demo-cli: $(STAMP)
	@$(BIN)/python examples/demo_cli.py

test: lint
	@$(BIN)/python -m pytest -n $(WORKERS) tests --ignore=tests/conversations $(addprefix --ignore=,$(STORMS))
	@$(BIN)/python -m pytest -n $(WORKERS) $(TOLD)
	@$(BIN)/python -m pytest $(STORMS)

stories: $(STAMP)
	@HEADWATER_TEST_STORE=$(or $(STORE),sqlite) $(BIN)/python -m pytest -n $(WORKERS) tests/conversations

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(STAMP)
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .

bench: $(STAMP)
	@$(BIN)/python -m tests.bench

crash: $(STAMP)
	@$(if $(PART),,HEADWATER_TEST_CRASH=all $(BIN)/python -m pytest -n $(WORKERS) tests/crash --ignore=tests/crash/test_bot.py)
	@HEADWATER_TEST_CRASH=$(or $(PART),all) $(BIN)/python -m pytest tests/crash/test_bot.py

contract: $(STAMP)
	@$(BIN)/python -m tests.contract

soak: $(STAMP)
	@$(BIN)/python -m tests.soak --seed $(or $(SEED),1) --runs $(or $(RUNS),20) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(SCENARIO),--scenario $(SCENARIO)) \
		$(if $(FAULTS),--faults $(FAULTS)) $(if $(PULLS),--pulls $(PULLS)) $(if $(SHRINK),--shrink)

soak-selftest: $(STAMP)
	@$(BIN)/python -m tests.soak.selftest

docs: $(STAMP)
	@$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
