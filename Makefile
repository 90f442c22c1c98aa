# Every target sets itself up: `make demo` and `make test` are all that a fresh machine needs (Python 3.11+, make).

PYTHON ?= python3
VENV := .venv
BACKENDS_VENV := .venv-backends
BIN := $(VENV)/bin
# The CPU build of PyTorch where it can be had; its usual one brings several GB of CUDA.
TORCH ?= torch==2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PORT ?= 8501
# Tests run side by side, in one process more than there are cores, since some wait for programs that they start; more
# than four would want too much memory.
# All tests of a file run in one process, which makes what they share only once; those of tests/apps, which take longest, begin.
CORES ?= --numprocesses $(shell $(PYTHON) -c "import os; print(min(4, 1 + (os.cpu_count() or 1)))") --dist loadscope --no-loadscope-reorder
# What `test-backends` runs; BACKEND_TESTS="tests/keras_seq tests/parity" is all, which takes JAX most of an hour to compile.
BACKEND_TESTS ?= tests/parity $(foreach name,bidirectional cells pooling public_names recurrent segmented \
	sequence_classifier stacked,tests/keras_seq/test_$(name).py)

# Tests start many processes: what was compiled once need not be compiled in each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-backends lint format pictures clean

help:  ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/	/' | expand -t 18

$(VENV)/.users: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.developers: requirements-dev.txt $(VENV)/.users
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@

$(BACKENDS_VENV)/.installed: pyproject.toml Makefile
	test -x $(BACKENDS_VENV)/bin/python || $(PYTHON) -m venv $(BACKENDS_VENV)
	$(BACKENDS_VENV)/bin/python -m pip install --quiet --upgrade pip
	$(BACKENDS_VENV)/bin/python -m pip install --quiet "$(TORCH)" --index-url $(TORCH_INDEX) 2>/dev/null \
		|| $(BACKENDS_VENV)/bin/python -m pip install --quiet "$(TORCH)"
	$(BACKENDS_VENV)/bin/python -m pip install --quiet "keras>=3.15.1,<3.16" "jax>=0.7" numpy pytest "pytest-xdist>=3.7"
	touch $@

demo: $(VENV)/.users  ## Open the studio over the shipped models
	$(BIN)/keras-seq studio --port $(PORT)

test: $(VENV)/.developers  ## Run all tests (no network)
	$(BIN)/python -m pytest $(CORES)

test-backends: $(BACKENDS_VENV)/.installed  ## Run the layer tests on JAX and on PyTorch
	KERAS_BACKEND=jax PYTHONPATH=. $(BACKENDS_VENV)/bin/python -m pytest $(CORES) $(BACKEND_TESTS)
	KERAS_BACKEND=torch PYTHONPATH=. $(BACKENDS_VENV)/bin/python -m pytest $(CORES) $(BACKEND_TESTS)

lint: $(VENV)/.developers  ## Check style, types and the rules of who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.developers  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pictures: $(VENV)/.developers  ## Take the pictures of the studio in docs/images again (needs Chromium)
	$(BIN)/python benchmarks/studio_pictures.py

clean:  ## Remove the virtual environments and caches
	rm -rf $(VENV) $(BACKENDS_VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build *.egg-info
