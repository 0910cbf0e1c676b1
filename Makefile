# Every target makes the virtual environment it needs under .venv/ and keeps it until pyproject.toml or
# constraints.txt change. PYTHON names another interpreter (3.11 or newer).
#
#   make demo [TRANSCRIPTS=FILE]        the whole stream on this machine, no Docker and no Java
#   make test [WORKERS=2]               lint, types, import rules, and all tests but the slow ones; 0: in one process
#   make test-all                       the slow ones too
#   make chaos [FAULTS=200] [SEED=1]    kills things and counts what was lost or doubled (docs/chaos.md has more)
#   make bench                          measures the stream and the engine side by side
#   make airline                        trains on the airline data beside the repository; predictions.csv
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

FAULTS ?= 200
SEED ?= 1
WORKERS ?= 2
PYTEST ?=
DEMO := .venv/demo
DEV := .venv/dev
CODE := $(wildcard benchmarks consumers edgeroute router schemas scripts tests training)
TYPED := $(filter-out scripts,$(CODE))
INSTALLED_FROM := pyproject.toml constraints.txt scripts/venv

.PHONY: help demo test test-all lint format chaos bench airline airline-data env clean

help:
	@sed -n 's/^#  *make/make/p' Makefile

$(DEMO)/.made: $(INSTALLED_FROM)
	@scripts/venv $(DEMO) embedded && touch $@

$(DEV)/.made: $(INSTALLED_FROM)
	@scripts/venv $(DEV) embedded,train,tensorflow,dev && touch $@

env: $(DEV)/.made

demo: $(DEMO)/.made
	@$(DEMO)/bin/edgeroute demo $(if $(TRANSCRIPTS),--transcripts "$(TRANSCRIPTS)")

lint: $(DEV)/.made
	$(DEV)/bin/ruff format --check $(CODE)
	$(DEV)/bin/ruff check $(CODE)
	$(DEV)/bin/lint-imports
	$(DEV)/bin/mypy $(TYPED)

format: $(DEV)/.made
	$(DEV)/bin/ruff format $(CODE)
	$(DEV)/bin/ruff check --fix $(CODE)

test: lint
	$(DEV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slow" $(PYTEST)

test-all: lint
	$(DEV)/bin/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)

chaos: $(DEV)/.made
	@$(DEV)/bin/python -m tests.chaos --faults $(FAULTS) --seed $(SEED) \
	  $(if $(BROKER_SHARE),--broker-share $(BROKER_SHARE)) $(if $(LOAD),--load $(LOAD)) \
	  $(if $(KAFKA),--kafka $(KAFKA))

bench: $(DEV)/.made
	@$(DEV)/bin/python -m benchmarks.run

AIRLINE := ../shared/data/airline
RUN := .cache/airline

# The data is looked for before anything is installed.
airline: airline-data $(DEV)/.made
	@$(DEV)/bin/edgeroute train configs/airline.toml --run $(RUN)
	@$(DEV)/bin/edgeroute predict $(RUN)/bundle $(AIRLINE)/test_inputs_nolabel.csv.gz \
	  --keep tweet_id=id --out predictions.csv

airline-data:
	@[[ -r $(AIRLINE)/train.csv.gz ]] || \
	  { echo "make airline: there is no data in $(AIRLINE); it is not part of this repository" >&2; exit 2; }

clean:
	rm -rf .venv .cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
