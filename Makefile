# The doors for people. `make demo` and `make test` work on a fresh clone with Python >= 3.11, git and make.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
READY := $(VENV)/.ready
# How long `make fuzz` takes.
SECONDS ?= 600
# Outages are waited for, not worked through: more than two cores can keep busy.
WORKERS ?= 4
.DEFAULT_GOAL := help
.PHONY: help demo test test-node long bench fuzz lint check format release lock clean

help: ## say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(READY) ## issue a certificate from a real ACME CA into a real API server, and see it renewed (KEEP=1 leaves it running)
	@$(RUN)/python -m tests.kit.demo $(if $(filter 1,$(KEEP)),--keep)

test: $(READY) ## run every test but the longest; a table at the end says which tiers ran, and what was left out and why
	@$(RUN)/python -m tests.kit build >/dev/null
	@traces=$$(mktemp -d) && export CERTWRIGHT_TEST_TIERS="$$traces/tiers" && \
	  trap '$(RUN)/python -m tests.kit.tiers "$$traces/tiers"; rm -f "$$traces/tiers"; rmdir "$$traces" 2>/dev/null || :' EXIT && \
	  $(RUN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not long and not afterwards and not node" --basetemp="$$traces/run" && \
	  CERTWRIGHT_TEST_TRACES="$$traces/run" $(RUN)/pytest -q -m afterwards tests/permissions && \
	  rm -rf "$$traces/run" && \
	  $(MAKE) --no-print-directory test-node

test-node: $(READY) ## build the image, install the chart on a real one-node cluster; needs root (apt-get: see tests/kit/node_fitness.py)
	@$(RUN)/pytest -q -m "node and not long" tests/node

long: $(READY) ## run the tests that take many minutes: fifty failovers, outages of five minutes
	@$(RUN)/python -m tests.kit build >/dev/null
	@$(RUN)/pytest -q -m long

bench: $(READY) ## measure what the operator costs, as counts and as ratios of one run (`python -m tests.bench --json` for machines)
	@$(RUN)/python -m tests.bench

fuzz: $(READY) ## answer the ACME client with what no CA would say, for SECONDS=600; needs a machine for which atheris has a wheel
	@$(RUN)/python -m pip install --quiet --only-binary=:all: 'atheris>=3,<4' || true
	@$(RUN)/python -m tests.fuzz $(SECONDS)

lint: $(READY) ## format, lint, types, directions between rooms
	@$(RUN)/ruff format --check --quiet .
	@$(RUN)/ruff check --quiet .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

check: lint ## the same, and unit tests
	@$(RUN)/pytest -q -n auto -m "not servers and not cluster and not afterwards and not node"

format: $(READY) ## put code into form, and write anew the pages that are made from code
	@$(RUN)/python -m tests.kit chart-readme
	@$(RUN)/python -m tests.reconcile.refusals_page
	@$(RUN)/python -m tests.resources.reasons_page
	@$(RUN)/python -m tests.metrics.metrics_page
	@$(RUN)/python -m tests.cluster.troubles.page
	@$(RUN)/python -m tests.shim.ingress_page
	@$(RUN)/ruff format --quiet .
	@$(RUN)/ruff check --quiet --fix .

release: $(READY) ## write crds.yaml and certwright.yaml, for those who do without helm, into dist/ (REGISTRY=... TAG=... say where the image is)
	@$(RUN)/python -m tests.kit release-files --registry "$(REGISTRY)" --tag "$(TAG)"

lock: $(READY) ## resolve dependencies anew
	@$(RUN)/python -m pip install --quiet uv
	@$(RUN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	  pyproject.toml --output-file requirements.lock
	@$(RUN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade \
	  --group dev pyproject.toml --output-file requirements-dev.lock

clean: ## remove the environment
	@rm -rf $(VENV)

$(READY): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Certwright needs Python 3.11 or later, and $(PYTHON) is %d.%d; set PYTHON=..." % sys.version_info[:2]) if sys.version_info < (3, 11) else None'
	@echo "preparing $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
