# Two commands are enough: `make demo` and `make test`. Both make their own virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test lint format bench docs clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    watch the whole story on examples/shop"
	@echo "make test    lint and all tests, as CI runs them"
	@echo "make lint    format, lint, types and layers"
	@echo "make bench   the figures of docs/benchmarks.md (needs npm)"
	@echo "make docs    write the generated pages anew"

$(STAMP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/python examples/demo.py

test: lint
	@$(BIN)/python -m pytest -n auto tests

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

docs: $(STAMP)
	@$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
