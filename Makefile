# The verbs of the repository. A fresh clone needs CPython 3.11 or newer with venv, make and a package index.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check
ARGS ?=
CLIENTS := tests/clients/.venv
CLIENTS_STAMP := $(CLIENTS)/.installed
COMPILE := $(BIN)/python -m uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --custom-compile-command "make lock" --upgrade --quiet
EXAMPLES ?= 5000
SEEDS ?= 200
ROUNDS ?= 100
SECONDS ?= 600
DIST ?= dist

# Set PYTHON to choose an interpreter; otherwise the first of these that is 3.11 or newer and has venv is taken.
PYTHON ?=
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.11 python3)

.DEFAULT_GOAL := help
.PHONY: help install clients demo test test-slow machine sim faults proof crash fuzz audit check coverage bench bench-shards docs docs-tables \
    first-ten-minutes async-client dist lock clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

install: $(STAMP) ## make .venv with the pinned packages and bracketd itself

clients: $(CLIENTS_STAMP) ## make tests/clients/.venv with the family's published SDKs, which tests run beside bracketd

demo: install ## run bracketd with its paper exchange in the foreground; ARGS are passed on
	@exec $(BIN)/bracketd demo $(ARGS)

test: install ## the quick tests
	$(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: install ## the tests marked slow
	$(BIN)/python -m pytest -m slow $(ARGS)

machine: install ## let the machine that looks for holes live 5,000 days (EXAMPLES)
	BRACKETD_MACHINE_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest tests/engine/test_machine.py $(ARGS)

crash: install ## kill a trading server 100 times (ROUNDS) and hold each restart to what was acknowledged
	BRACKETD_CRASH_ROUNDS=$(ROUNDS) $(BIN)/python -m pytest -s tests/e2e/test_kill.py -k kill_9 $(ARGS)

faults: install ## kill, freeze and cut off what a cluster is made of, under load; prints what was lost and how long it took
	BRACKETD_FAULTS=all $(BIN)/python -m pytest -s -m slow -k faults tests/e2e $(ARGS)

sim: install ## try to make the server lie, with SEEDS (200) random seeds; ARGS are passed on
	$(BIN)/bracketd sim --seeds $(SEEDS) $(ARGS)

proof: install ## count anew how many seeds find each planted fault, in docs/proof.md
	$(BIN)/python -m tools.proof_table

fuzz: install ## fuzz what strangers send for 10 minutes (SECONDS); what takes new branches is added to tests/fuzz/corpus
	BRACKETD_FUZZ_SECONDS=$(SECONDS) $(BIN)/python -m pytest -s -m slow tests/fuzz $(ARGS)

# pip-audit is no part of what the lock installs: it is asked about the lock.
audit: install ## look up every pinned package among the known faults; fails where it could not ask
	$(BIN)/python -m pip_audit --version >/dev/null 2>&1 || $(PIP) install --quiet "pip-audit>=2.10"
	@$(BIN)/python -m tools.audit

check: install ## lint, format, types and the one-way rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict src tools
	$(BIN)/lint-imports

coverage: install ## the quick tests, with the branches of engine/ that none of them took
	$(BIN)/coverage run -m pytest -m "not slow" $(ARGS)
	$(BIN)/coverage report

bench: install ## measure beside other servers and write docs/performance.md; ARGS=--quick takes two minutes
	$(BIN)/python -m bench $(ARGS)

docs-tables: install ## draw the pages and pictures of the rules' tables under docs/ again
	$(BIN)/python -m tools.rule_pages

bench-shards: install ## measure SQLite, one PostgreSQL and three nodes behind a gateway; writes docs/performance.md
	$(BIN)/python -m bench.shards $(ARGS)

docs: install ## build the documents as a site in build/docs, whose search works without a network
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs

first-ten-minutes: install ## do what a newcomer does first, time it, and write docs/first-ten-minutes.md
	$(BIN)/python examples/first_ten_minutes.py --page docs/first-ten-minutes.md

async-client: install ## write the client with asyncio from the blocking one again
	$(BIN)/python -m tools.async_client

dist: install ## build the wheel, all that a machine needs beside its dependencies, in DIST (dist)
	$(BIN)/python -m build --wheel --no-isolation --outdir $(DIST) .

# uv only resolves; it is no part of what the lock installs. The header it would write names the machine, so the
# compile command is given, and no index is written down: the lock is good for any index.
lock: $(BIN)/python ## pin the newest releases again in requirements.lock and tests/clients/requirements.txt
	$(BIN)/python -m uv --version >/dev/null 2>&1 || $(PIP) install --quiet "uv>=0.13"
	$(COMPILE) pyproject.toml --group dev --output-file requirements.lock
	$(COMPILE) tests/clients/requirements.in --output-file tests/clients/requirements.txt

clean: ## remove all that these verbs made, both environments included
	rm -rf $(VENV) $(CLIENTS) build dist htmlcov .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(CLIENTS_STAMP): tests/clients/requirements.txt | $(CLIENTS)/bin/python
	$(CLIENTS)/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

$(BIN)/python $(CLIENTS)/bin/python:
	@for python in $(CANDIDATES); do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	        if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	            echo "make: $$python has no venv; install its venv package (on Debian: python3-venv)" >&2; exit 1; \
	        fi; \
	        echo "$$python -m venv $(@:/bin/python=)"; \
	        exec "$$python" -m venv --clear $(@:/bin/python=); \
	    fi; \
	done; \
	echo "make: bracketd needs Python 3.11 or newer; none of these is one: $(CANDIDATES). Try make PYTHON=/path/to/python3" >&2; \
	exit 1
