# Two commands do everything on a machine that has python3 (3.11 or later), pip and make:
#   make demo    install, and run the example campaign
#   make test    install, and run the tests
# One more brings the learned potentials that ship their weights, so that their tests run and are not skipped:
#   make potentials test TORCH=torch==2.13.0
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# tests share the cores; those that start campaigns of their own take several each
PYTEST_ARGS ?= -q -n auto --dist worksteal
# of pyproject.toml; .ci/run adds those of codes that need libraries
EXTRAS ?= test
# another build of torch, for a GPU or without: set TORCH, or PIP_INDEX_URL, or install it into $(VENV) before
TORCH ?= torch
SOURCES := pyproject.toml $(wildcard structures/* builders/* builders/*/* analysis/* analysis/*/* workflows/* workflows/*/*)
# one thread a worker: the engine runs one worker a core
export OMP_NUM_THREADS = 1

.PHONY: demo test quick potentials lint bench docs clean

demo: $(VENV)/installed
	$(BIN)/atomsieve run examples/quickstart.yaml

test: $(VENV)/installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

quick: $(VENV)/installed-test
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

potentials: $(VENV)/installed-potentials

# the tables of docs/performance.md; BENCH="overhead start" for these alone
bench: $(VENV)/installed-test
	$(BIN)/python -m benchmarks $(BENCH)

lint: $(VENV)/installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

docs: $(VENV)/installed-test
	$(BIN)/python -m sphinx -q -E -W --keep-going -c docs -d build/doctrees . build/docs
	@echo "the pages: $(CURDIR)/build/docs/docs/index.html"

# Debian's python3 comes without ensurepip; then the pip that is there installs into the environment from outside.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m venv --clear --without-pip $(VENV)

$(VENV)/installed: $(BIN)/python $(SOURCES)
	$(PYTHON) -m pip --python $(BIN)/python install -q .
	touch $@

$(VENV)/installed-test: $(BIN)/python $(SOURCES)
	$(PYTHON) -m pip --python $(BIN)/python install -q ".[$(EXTRAS)]"
	touch $@ $(VENV)/installed

# torch first, and alone: what asks for it afterwards takes the one that is there
$(VENV)/installed-potentials: $(VENV)/installed-test
	$(PYTHON) -m pip --python $(BIN)/python install -q "$(TORCH)"
	$(PYTHON) -m pip --python $(BIN)/python install -q ".[chgnet,sevennet]"
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
