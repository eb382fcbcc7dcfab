# Needs Python 3.11 or newer and make; where cargo is, the hot path is compiled. Everything else comes from PyPI,
# Maven Central and crates.io, at the versions uv.lock, kafka.lock and Cargo.lock name, once.
.DEFAULT_GOAL := help
.PHONY: help setup demo up test browser lint bench images test-containers test-chart

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.treaty-ready
UV := $(shell sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)
MEMBERS := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml cli/pyproject.toml \
	libs/*/Cargo.lock libs/*/rust/*.rs)
JARS := libs/treaty_embedded/src/treaty_embedded/kafka.lock

export UV_PYTHON_DOWNLOADS := never
export UV_PROJECT_ENVIRONMENT := .venv
export UV_COMPILE_BYTECODE := 1

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24
	@echo
	@echo '  make demo ARGS="--for 60 --json"     sixty seconds, then reconciled'
	@echo '  make bench ARGS="NAME --json"        one benchmark'

setup: $(READY) ## the locked dependencies and the broker's jars, fetched once
	@:

$(READY): uv.lock pyproject.toml $(MEMBERS) $(JARS)
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || { echo "setup: virtual environment" >&2; $(PYTHON) -m venv .venv; }
	@$(BIN)/uv --version 2>/dev/null | grep -q '^uv $(UV) ' || { echo "setup: uv $(UV)" >&2; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV); }
	@echo "setup: locked dependencies" >&2
	@$(BIN)/uv sync --quiet --locked --all-packages
	@$(BIN)/python -m compileall -q libs services cli
	@echo "setup: the broker's jars" >&2
	@$(BIN)/python -m treaty_embedded fetch >&2
	@touch $@

demo: setup ## the whole platform with a demo fleet, until Ctrl-C
	@$(BIN)/treaty demo $(ARGS)

up: setup ## the whole platform, until Ctrl-C
	@$(BIN)/treaty up $(ARGS)

test: lint browser ## lint, then every test, with the embedded Kafka, PostgreSQL and Valkey
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

browser:
	@scripts/browser

lint: setup ## style, types, import rules, documents as the code writes them
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@! cargo fmt --version >/dev/null 2>&1 || cargo fmt --check --manifest-path libs/treaty_hotpath/Cargo.toml
	$(BIN)/python -m treaty_events.documents --check
	$(BIN)/python -m treaty_contract_governance.openapi --check
	$(BIN)/python -m treaty_device_registry.openapi --check
	$(BIN)/python -m treaty_push_gateway.openapi --check
	$(BIN)/python helm/generated.py --check

bench: setup ## a benchmark by name
	@$(BIN)/treaty bench $(ARGS)

images: ## the container images, and what each adds to its base
	@scripts/images

test-containers: setup ## the compose file in a Docker engine: up, accounted for, killed part by part, down
	@scripts/test-containers --required $(ARGS)

test-chart: setup ## the Helm chart: rendered and validated, and installed where KUBECONFIG names a cluster
	@scripts/test-chart $(ARGS)
