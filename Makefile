# The only list of commands. `make` prints it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := shared auth billing tasks notifier agent_runner embedded distributed gateway development impacter
MEMBERS := shared services/auth services/billing services/tasks services/notifier services/agent-runner \
	deploy/embedded deploy/distributed deploy/gateway deploy/development deploy/cli
# Pages that were built elsewhere are not built here.
PAGES := $(if $(WEB_DIST),,web)
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
# Compiled modules make every start seconds faster, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up up-distributed web test check format lint types contracts catalog web-check tests simulate chaos bench bench-web screenshots env test-compose lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/runtime $(PAGES) ## the whole product in one process, on http://127.0.0.1:$PORT (8080), data in $DATA_DIR (./data)
	@exec $(BIN)/python -m embedded

up-distributed: $(VENV)/runtime $(PAGES) ## each service its own process, on a private RabbitMQ and PostgreSQL, behind nginx
	@exec $(BIN)/python -m distributed

web: $(VENV)/runtime $(VENV)/web ## the pages, built into web/dist unless they were built from the same sources
	@$(BIN)/python -m embedded.web

test: $(VENV)/dev check ## everything CI runs: lint, types, contracts, all tests on real servers

check: format-check lint types contracts catalog web-check tests

format: $(VENV)/dev ## rewrite the code in the one format
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix-only .

.PHONY: format-check
format-check: $(VENV)/dev
	$(BIN)/ruff format --check -q .

lint: $(VENV)/dev ## ruff
	$(BIN)/ruff check -q .

types: $(VENV)/dev ## mypy, strict
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES) benchmarks)

contracts: $(VENV)/dev ## who may import whom
	$(BIN)/lint-imports

catalog: $(VENV)/dev ## events.md, asyncapi.json, schemas and the API's openapi.json are fresh
	$(BIN)/python -m shared.catalog --check
	$(BIN)/python -m embedded.openapi --check

web-check: web ## the pages: types of the API, lint, types, tests, how much is loaded
	@$(BIN)/python -m embedded.web api --check
	@$(BIN)/python -m embedded.web lint
	@$(BIN)/python -m embedded.web types
	@$(BIN)/python -m embedded.web test
	@$(BIN)/python -m embedded.web budget

WORKERS ?= 3
tests: $(VENV)/dev web ## all tests, by WORKERS=3 processes; ARGS="-k name" for some, by one
	$(BIN)/pytest $(or $(ARGS),-n $(WORKERS) --no-loadscope-reorder)

SEEDS ?= 200
simulate: $(VENV)/dev ## as many worlds as SEEDS=10000 in virtual time, under every fault; SEED=17 one of them again
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS) $(addprefix --first ,$(FIRST)) $(addprefix --jobs ,$(JOBS)) \
		$(addprefix --seed ,$(SEED)) $(addprefix --journey ,$(JOURNEY)) $(addprefix --at ,$(AT)) $(addprefix --mix ,$(MIX)) $(addprefix --mutant ,$(MUTANT))

MINUTES ?= 10
chaos: $(VENV)/dev ## kill, freeze and cut off every part under load, for MINUTES=10; SEED=n does the same harm again
	@$(BIN)/python -m tests.system.chaos --minutes $(MINUTES) $(addprefix --seed ,$(SEED))

BENCH := .venv-bench
bench: $(VENV)/dev $(BENCH)/ready ## what it costs, beside this machine's limits and peers: one table; ARGS="webhook --rounds 1" for some
	@$(BIN)/python -m benchmarks $(ARGS)

$(BENCH)/ready: $(BIN)/uv requirements/bench.txt
	@echo "installing the peers in $(BENCH) ..."
	@$(BIN)/uv venv -q --allow-existing -p $(BIN)/python $(BENCH)
	@$(BIN)/uv pip install -q -p $(BENCH)/bin/python --compile-bytecode --require-hashes -r requirements/bench.txt
	@touch $@

bench-web: $(VENV)/dev $(VENV)/web ## what the pages cost whoever opens them, from Chromium's own trace
	@$(BIN)/python -m benchmarks.pages

screenshots: $(VENV)/dev $(VENV)/web ## every page in light, dark and on a phone, into docs/screenshots
	@$(BIN)/python -m tests.browser.screenshots

env: ## the secrets of `docker compose up`, made once into .env
	@sh deploy/env.sh

JOURNEYS := signing_up buying_credits paying_at_stripe spending_credits running_a_task operating
test-compose: $(VENV)/dev ## the journeys on containers, some of which are killed; skips where there is no engine
	PRODUCT=compose $(BIN)/pytest -rs --timeout 1800 $(JOURNEYS:%=tests/flows/test_%.py) tests/compose $(ARGS)

lock: $(VENV)/dev ## pin every dependency anew, with hashes, into requirements/
	@$(BIN)/uv lock -q --upgrade
	@$(BIN)/uv export -q --frozen --all-packages --no-emit-workspace --no-dev --no-header --no-annotate -o requirements/runtime.txt
	@$(BIN)/uv export -q --frozen --all-packages --no-emit-workspace --no-header --no-annotate -o requirements/dev.txt
	@rm -f uv.lock
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/image.in -o requirements/image.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/dev.txt requirements/web.in -o requirements/web.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -c requirements/dev.txt requirements/development.in -o requirements/development.txt
	@$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header --no-annotate requirements/bench.in -o requirements/bench.txt

$(BIN)/uv: requirements/bootstrap.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed (PYTHON=…)") if sys.version_info < (3, 11) else None'
	@echo "creating the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/runtime: $(BIN)/uv requirements/runtime.txt $(MEMBERS:=/pyproject.toml)
	@echo "installing what the product needs ..."
	@$(BIN)/uv pip install -q -p $(BIN)/python --compile-bytecode --require-hashes -r requirements/runtime.txt
	@$(BIN)/uv pip install -q -p $(BIN)/python --no-deps $(addprefix -e ./,$(MEMBERS))
	@touch $@

$(VENV)/web: $(BIN)/uv requirements/web.txt
	@echo "installing what builds the pages ..."
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements/web.txt
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	@echo "installing what tests and checks need ..."
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

clean: ## remove the environment (data stays)
	@rm -rf $(VENV)
