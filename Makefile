# Needs Python 3.11 or later and nothing else; sets up .venv by itself.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CLIENTS := tests/clients
NODE_STAMP := $(CLIENTS)/node_modules/.installed

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench lock screenshots

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## (.*)/  make \1\t\2/'

$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed: PYTHON=python3.12 make ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked requirements into $(VENV) (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

run: $(STAMP) ## the whole stack, until Ctrl-C
	@exec $(BIN)/python manage.py up

# Only for the tests marked `node`; they skip, and say why, where this could not be done.
$(NODE_STAMP): $(CLIENTS)/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "Installing the TypeScript client for its tests into $(CLIENTS) (once) ..."; \
	  if npm ci --prefix $(CLIENTS) --ignore-scripts --no-audit --no-fund --loglevel=error \
	    --fetch-retries=1 --fetch-retry-mintimeout=1000 >/dev/null; \
	  then touch $@; \
	  else echo "npm could not install it: the tests that need it will be skipped"; fi; \
	fi

test: $(STAMP) $(NODE_STAMP) ## the whole suite on real PostgreSQL and Valkey; ARGS="-k name" for a part
	@$(BIN)/python -m pytest -n $${WORKERS:-2} --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP) ## ruff, mypy, djlint, migrations, deployment checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/djlint templates --lint --quiet
	@$(BIN)/python manage.py makemigrations --check --dry-run
	@$(BIN)/python .ci/check_deploy.py

bench: $(STAMP) ## calls a second through one real daphne; never part of the tests
	@$(BIN)/python benchmarks/mcp_calls.py $(ARGS)

screenshots: $(STAMP) ## the pictures of README and docs, anew, in docs/img
	@$(BIN)/python -m pytest tests/browser/screenshots.py

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(STAMP) ## newest versions that pyproject.toml allows
	$(BIN)/pip-compile -q -U --strip-extras --no-annotate --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-emit-options -o requirements.txt pyproject.toml
	$(BIN)/pip-compile -q -U --strip-extras --no-annotate --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host --no-emit-options --extra dev -c requirements.txt \
	  -o requirements-dev.txt pyproject.toml
