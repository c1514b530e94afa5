# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
RUNG := smollm2-135m-instruct
DEMO := $(RUNG)-q4_1 $(RUNG)-q8_0 $(RUNG)-q2_k
APP := $(RUNG)-q8_0 $(RUNG)-q2_k
LADDER := $(RUNG)-f16 $(RUNG)-q8_0 $(RUNG)-q4_k_m $(RUNG)-q4_1 $(RUNG)-q4_0 $(RUNG)-q2_k
QUICK := -m "not model and not data and not slow" --ignore tests/leaderboard/app --ignore tests/runners/runtimes/hf
SETUP := pyproject.toml $(wildcard locks/*.txt) tools/install.py tools/llama.py tools/setup $(if $(PREBUILT),.venv/.prebuilt)

export PYTHON PREBUILT

.PHONY: help demo board reference test check fuzz faults lint format lock audit sbom docs clean quick coverage space llama-server pictures

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: .venv/.demo  ## set up, measure three quantisations of one small model, print the table
	$(BIN)/weighin run $(DEMO) --suite quick
	@echo "one run in full:  $(BIN)/weighin show smollm2-135m-instruct-q8_0"
	@echo "another model:    $(BIN)/weighin run path/to/model.gguf"
	@echo "in a browser:     make board"

board: .venv/.demo  ## open the leaderboard on results/, the reference runs included
	$(BIN)/weighin board

reference: .venv/.apps  ## measure the six quantisations for results/reference (about an hour and a quarter; resumable; leave the machine alone)
	$(BIN)/weighin run $(LADDER) --suite core --repeats 10 --store results/reference
	$(BIN)/weighin run $(APP) --suite builder --allow-code --store results/reference
	$(BIN)/python tools/write_reference.py
	$(BIN)/python tools/lay_out_docs.py

test: check  ## what CI runs: lint, types and every test

# One process more than cores, since many tests wait for a process of their own.
WORKERS = $(shell expr $$($(BIN)/python -c 'import os; print(len(os.sched_getaffinity(0)))' 2>/dev/null || echo 2) + 1)

check: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

quick: .venv/.dev  ## the loop of a developer, under a minute: no model, no data, no browser, nothing slow
	$(BIN)/python -m pytest -n auto --dist loadfile $(QUICK)

coverage: .venv/.dev  ## the branches that the quick tests take; fails below the floor in pyproject.toml
	$(BIN)/python -m pytest -n auto --dist loadfile $(QUICK) --cov --cov-report=term

fuzz: .venv/.dev  ## damage whatever is read from disk or a pipe, for a few minutes
	$(BIN)/python -m pytest fuzz
	$(BIN)/python -m fuzz.mutations

faults: .venv/.dev  ## fail, and kill at, every file-system call of every command that writes
	$(BIN)/python tools/fail_every_call.py

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/lay_out_docs.py --check
	$(BIN)/mypy

format: .venv/.dev  ## lay out the code and the pages, and mend what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python tools/lay_out_docs.py

llama-server: .venv/.demo  ## compile llama-server from the llama.cpp that runs in process (5 minutes, resumable)
	$(BIN)/python tools/llama_server.py

space: .venv/.demo  ## put a Hugging Face Space together in dist/space (STORE: folders of records)
	$(BIN)/python tools/space.py dist/space $(or $(STORE),results/reference)

lock: .venv/tools/.made  ## raise the locked versions (LOCK="--only NAME" some, LOCK=--keep none)
	.venv/tools/bin/python tools/lock.py $(LOCK)

audit: .venv/tools/.made  ## ask whether a locked version has a known vulnerability
	.venv/tools/bin/python tools/audit.py

sbom: .venv/tools/.made  ## write the release's bill of materials into dist/
	.venv/tools/bin/python tools/sbom.py

docs: .venv/.dev  ## write docs/commands.md and docs/records.md from the code
	$(BIN)/python tools/write_docs.py

pictures: .venv/.dev  ## take the README's pictures of the board (needs Chromium)
	$(BIN)/python tools/pictures.py

clean:  ## remove the virtual environment and what tools left behind
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

# PREBUILT=1 takes llama.cpp compiled by somebody else, until `make clean`.
.venv/.prebuilt:
	@mkdir -p .venv
	@touch $@

# An environment is stale when what it was made from has changed. The developers' holds all that
# the demo needs.
.venv/.demo: $(SETUP)
	@tools/setup llamacpp $@

# What make lock, audit and sbom run has dependencies of its own.
.venv/tools/.made: locks/tools.txt tools/install.py
	@$(PYTHON) -m venv .venv/tools
	@.venv/tools/bin/python tools/install.py --tools
	@touch $@

# What the suites that an app's builder runs need besides.
.venv/.apps: $(SETUP)
	@tools/setup llamacpp,instruct $@
	@touch .venv/.demo

.venv/.dev: $(SETUP)
	@tools/setup llamacpp,hf,dev $@
	@touch .venv/.demo .venv/.apps
