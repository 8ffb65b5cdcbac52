# `make run` and `make test` need Python 3.11 or later, git and make; they install the rest into this folder.
PYTHON ?= python3
VENV := .venv
CLOUD := .venv-cloud
SAM := .venv-sam
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CLOUD_INSTALLED := $(CLOUD)/.installed
SAM_INSTALLED := $(SAM)/.installed

export PYTHONDONTWRITEBYTECODE ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help install run shots test test-faults fuzz lint format bench docs lock clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) $(CLOUD_INSTALLED) ## Install the project and the local cloud (done by the others when needed)

$(INSTALLED): requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.13 …") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the project …"
	@$(BIN)/python -m pip install -qq --no-deps --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation -e .
	@$(BIN)/python -c 'import introducer, introducer_ops, pynamodb, pytest'
	@touch $@

$(CLOUD_INSTALLED): requirements/cloud.lock
	@test -x $(CLOUD)/bin/python || $(PYTHON) -m venv $(CLOUD)
	@echo "Installing the local cloud …"
	@$(CLOUD)/bin/python -m pip install -qq --no-deps --require-hashes -r $<
	@$(CLOUD)/bin/python -c 'import ministack'
	@touch $@

$(SAM_INSTALLED): requirements/sam.lock
	@test -x $(SAM)/bin/python || $(PYTHON) -m venv $(SAM)
	@echo "Installing the SAM command …"
	@$(SAM)/bin/python -m pip install -qq --no-deps --require-hashes -r $<
	@touch $@

run: install ## The main job on the local cloud; leaves the portal open (ONCE=1 ends after the summary)
	@$(BIN)/introducer demo $(if $(ONCE),--once)

shots: install ## Every page at both widths, in all languages, into build/shots, with what is wrong (needs Chromium)
	@$(BIN)/introducer shots $(SHOTS)

PYTEST ?= -n 2 --dist loadfile
test: install ## All tests (PYTEST="-k engine" for some)
	@$(BIN)/python -m pytest $(PYTEST)

test-faults: install ## 35,000 schedules of crashes, rivals and repeats (FAULTS="--seed 4711" for one)
	@$(BIN)/python -m tests.faults $(FAULTS)

fuzz: install ## Questions to every route of the API that nobody thought of (FUZZ="--seconds 600 --seed 4711")
	@$(BIN)/python -m tests.api.fuzzing $(FUZZ)

lint: install $(SAM_INSTALLED) ## Style, types, import contracts, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 $(SAM)/bin/sam validate --lint --template template.yaml
	$(BIN)/python -m introducer_ops.localcloud.checking template.yaml

format: install ## Put the code into the one style
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

bench: install ## Speed as ratios, write units and imports, into build/bench.json (BENCH=clicks for a part)
	@$(BIN)/python -m benchmarks $(BENCH)

docs: install ## Write the generated files again: data model, deal schema, crawler words, error codes, catalogues
	@$(BIN)/introducer generate

lock: ## Resolve the locked requirements again (needs uv)
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes -q -o requirements/dev.lock
	uv pip compile requirements/cloud.in --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes -q -o requirements/cloud.lock
	uv pip compile requirements/sam.in --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes -q -o requirements/sam.lock
	$(MAKE) -C layers/vendor lock
	$(MAKE) -C layers/documents lock

clean: ## Remove what was installed and made
	rm -rf $(VENV) $(CLOUD) $(SAM) build .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis
