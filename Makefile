# Everything on a machine that has Python 3.11+, make and a package index: `make demo`, `make test`.

SHELL := /bin/bash
BIN := .venv/bin
PROJECTS := pyproject.toml plugins/dynamics/pyproject.toml plugins/salesforce/pyproject.toml examples/crmsync-csv/pyproject.toml
DISTRIBUTIONS := crmsync crmsync-dynamics crmsync-salesforce crmsync-csv
JOBS ?= $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN)) # tests wait for disks and servers half of their time

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types layers rules bench format constraints clean

help: ## what can be done here
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 20

demo: .venv/stamp ## the whole story on a simulated CRM, in under two minutes
	$(BIN)/crmsync demo

test: check rules ## everything: lint, types, layers, rules, tests
	$(BIN)/pytest -n $(JOBS) --dist worksteal

check: lint types layers ## lint, types, layers

lint: .venv/stamp ## style and formatting
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet

types: .venv/stamp ## mypy, strict
	$(BIN)/mypy

layers: .venv/stamp ## who may import whom
	$(BIN)/lint-imports --no-cache

rules: .venv/stamp ## which rules of the sync are proved, and by which test
	$(BIN)/python tools/rules.py

bench: .venv/stamp ## speed and memory, as ratios against plain scripts
	$(BIN)/python -m benchmarks

format: .venv/stamp ## let ruff write
	$(BIN)/ruff check --fix --quiet || true
	$(BIN)/ruff format --quiet

constraints: .venv/stamp ## renew the pinned versions
	uv=$$(command -v uv || echo $(BIN)/uv); "$$uv" pip compile --quiet --universal --python-version 3.11 --upgrade \
	  --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(DISTRIBUTIONS:%=--no-emit-package %) \
	  --all-extras --group dev $(PROJECTS) --output-file constraints.txt

clean: ## remove what make and the tools have made
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist build
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/stamp: $(PROJECTS) constraints.txt tools/venv.sh
	tools/venv.sh .venv --editable . --editable plugins/dynamics --editable plugins/salesforce --editable examples/crmsync-csv --group dev
	touch $@
