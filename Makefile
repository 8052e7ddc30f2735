# The only list of commands. `make` prints it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := shared auth billing tasks notifier agent_runner embedded distributed gateway impacter
MEMBERS := shared services/auth services/billing services/tasks services/notifier services/agent-runner \
	deploy/embedded deploy/distributed deploy/gateway deploy/cli
export UV_SYSTEM_CERTS := 1
export UV_PYTHON_DOWNLOADS := never
# Compiled modules make every start seconds faster, whatever the caller's shell says.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up up-distributed test check format lint types contracts catalog tests lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: $(VENV)/runtime ## the whole product in one process, on http://127.0.0.1:$PORT (8080), data in $DATA_DIR (./data)
	@exec $(BIN)/python -m embedded

up-distributed: $(VENV)/runtime ## each service its own process, on a private RabbitMQ and PostgreSQL, behind nginx
	@exec $(BIN)/python -m distributed

test: $(VENV)/dev check ## everything CI runs: lint, types, contracts, all tests on real servers

check: format-check lint types contracts catalog tests

format: $(VENV)/dev ## rewrite the code in the one format
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix-only .

.PHONY: format-check
format-check: $(VENV)/dev
	$(BIN)/ruff format --check -q .

lint: $(VENV)/dev ## ruff
	$(BIN)/ruff check -q .

types: $(VENV)/dev ## mypy, strict
	$(BIN)/mypy $(addprefix -p ,$(PACKAGES))

contracts: $(VENV)/dev ## who may import whom
	$(BIN)/lint-imports

catalog: $(VENV)/dev ## events.md, asyncapi.json and schemas are fresh
	$(BIN)/python -m shared.catalog --check

tests: $(VENV)/dev ## all tests; ARGS="-k name" for some
	$(BIN)/pytest $(ARGS)

lock: $(VENV)/dev ## pin every dependency anew, with hashes, into requirements/
	@$(BIN)/uv lock -q --upgrade
	@$(BIN)/uv export -q --frozen --all-packages --no-emit-workspace --no-dev --no-header --no-annotate -o requirements/runtime.txt
	@$(BIN)/uv export -q --frozen --all-packages --no-emit-workspace --no-header --no-annotate -o requirements/dev.txt
	@rm -f uv.lock

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

$(VENV)/dev: $(VENV)/runtime requirements/dev.txt
	@echo "installing what tests and checks need ..."
	@$(BIN)/uv pip install -q -p $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

clean: ## remove the environment (data stays)
	@rm -rf $(VENV)
