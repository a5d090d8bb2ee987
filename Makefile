# Two commands do everything on a machine that has python3 (3.11 or later), pip and make:
#   make demo    install, and run the example campaign
#   make test    install, and run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# tests share the cores; those that start campaigns of their own take several each
PYTEST_ARGS ?= -q -n auto --dist worksteal
# of pyproject.toml; .ci/run adds those of codes that need libraries
EXTRAS ?= test
SOURCES := pyproject.toml $(wildcard structures/* builders/* builders/*/* analysis/* workflows/* workflows/*/*)
# one thread a worker: the engine runs one worker a core
export OMP_NUM_THREADS = 1

.PHONY: demo test quick lint clean

demo: $(VENV)/installed
	$(BIN)/atomsieve run examples/quickstart.yaml

test: $(VENV)/installed-test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

quick: $(VENV)/installed-test
	$(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

lint: $(VENV)/installed-test
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

# Debian's python3 comes without ensurepip; then the pip that is there installs into the environment from outside.
$(BIN)/python:
	$(PYTHON) -m venv $(VENV) 2>/dev/null || $(PYTHON) -m venv --clear --without-pip $(VENV)

$(VENV)/installed: $(BIN)/python $(SOURCES)
	$(PYTHON) -m pip --python $(BIN)/python install -q .
	touch $@

$(VENV)/installed-test: $(BIN)/python $(SOURCES)
	$(PYTHON) -m pip --python $(BIN)/python install -q ".[$(EXTRAS)]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
