# Every command of the project. Environments are made on first use, from the committed locks.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
DATA ?= data
BASELINE ?=
ARGS ?=
SERVE := .venv-serve
DEV := .venv

.DEFAULT_GOAL := help
.PHONY: help serve test check format lint types contracts train eval benchmark bench bench-store overload schema \
	edits kills repeats canaries suspects wheelhouse learning-curve lock clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: make $@ PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
endef

$(SERVE)/.ready: requirements/serve.txt pyproject.toml
	$(make_venv)

$(DEV)/.ready: requirements/dev.txt pyproject.toml
	$(make_venv)

serve: $(SERVE)/.ready ## Start the service on http://127.0.0.1:8000 (PORT=…, ARGS=…)
	$(SERVE)/bin/triage serve $(if $(PORT),--port $(PORT)) $(ARGS)

test: $(DEV)/.ready $(SERVE)/.ready ## Run the tests
	$(DEV)/bin/pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile $(ARGS)

check: format-check lint types contracts test ## Everything that must pass before a change lands

.PHONY: format-check
format-check: $(DEV)/.ready
	$(DEV)/bin/ruff format --check .

lint: $(DEV)/.ready ## Lint
	$(DEV)/bin/ruff check .

types: $(DEV)/.ready ## Check the types
	$(DEV)/bin/mypy

contracts: $(DEV)/.ready ## Check who imports whom
	$(DEV)/bin/lint-imports

format: $(DEV)/.ready ## Format the code and mend what lint can mend
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

train: $(DEV)/.ready ## Train a bundle from DATA=… into build/bundle (ARGS="--help" lists options)
	$(DEV)/bin/python -m training --data $(DATA) $(ARGS)

eval: $(DEV)/.ready ## Evaluate on DATA=…, optionally against BASELINE=path/to/bundle
	$(DEV)/bin/python -m eval --data $(DATA) $(if $(BASELINE),--baseline-bundle $(BASELINE)) $(ARGS)

benchmark: $(DEV)/.ready ## Cross-validate on the public benchmark in DATA=… (ARGS="--help" lists options)
	$(DEV)/bin/python -m training.benchmark --data $(DATA) $(ARGS)

bench: $(DEV)/.ready ## Measure the service beside what people usually write (ARGS=--install first)
	$(DEV)/bin/python -m eval.bench $(ARGS)

bench-store: $(DEV)/.ready ## Measure the store with 500,000 messages, on both databases
	$(DEV)/bin/python -m eval.store $(ARGS)

overload: $(DEV)/.ready ## Measure the service at ten times its capacity, and singles under batches
	$(DEV)/bin/python -m eval.bench.overload $(ARGS)

schema: $(DEV)/.ready ## Make 500 requests of every operation from the API's own description
	SCHEMA_EXAMPLES=500 $(DEV)/bin/pytest tests/serving/test_schema.py

edits: $(DEV)/.ready ## 200 people make 50 edits each of five messages, on both databases
	EDIT_CLIENTS=200 EDITS=50 $(DEV)/bin/pytest tests/serving/test_edits.py

kills: $(DEV)/.ready ## Kill the service 50 times under 20 reviewers, on both databases
	KILLS=50 $(DEV)/bin/pytest tests/serving/test_kills.py

repeats: $(DEV)/.ready ## Race 1,000 keys with ten retries each, on both databases
	REPEATED_KEYS=1000 $(DEV)/bin/pytest tests/serving/test_recorder.py

canaries: $(DEV)/.ready ## Send 10,000 invented identities through the service and look for them
	CANARIES=10000 $(DEV)/bin/pytest tests/serving/test_canaries.py

wheelhouse: ## Gather the service's packages in build/wheelhouse, for machines without an index
	PYTHON=$(PYTHON) deploy/wheelhouse.sh

suspects: $(DEV)/.ready ## List labels in DATA=… that are probably wrong
	$(DEV)/bin/python -m training.suspects --data $(DATA) $(ARGS)

learning-curve: $(DEV)/.ready ## Measure what more labels are worth (ARGS=--no-encoder: quick)
	$(DEV)/bin/python -m training.curve --data $(DATA) $(ARGS)

lock: $(DEV)/.ready ## Resolve the dependencies anew and write the locks
	$(DEV)/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-header --generate-hashes --extra serve -o requirements/serve.txt pyproject.toml
	$(DEV)/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-header --extra serve --extra train --extra eval --extra ray --extra dev \
		-o requirements/dev.txt pyproject.toml
	$(DEV)/bin/pip-compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
		--no-header --generate-hashes --allow-unsafe --build-deps-for wheel --only-build-deps \
		-o requirements/build.txt pyproject.toml

clean: ## Remove environments and all of build/, trained bundles too
	rm -rf $(DEV) $(SERVE) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
