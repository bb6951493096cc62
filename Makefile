# Every command of the house. Without make, see README.md: four lines do the same.

PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3 python,$(shell \
	$(name) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) and print("$(name)")' 2>/dev/null)))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCK := uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--no-annotate --custom-compile-command "make requirements"

.PHONY: help lab test soak bench check format install install-test notebooks messages requirements clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

lab: install ## Install if needed, then open JupyterLab (ARGS=--no-browser on a server)
	@$(BIN)/labkit lab $(ARGS)

test: install-test ## Install what the tests need, then run every test (ARGS=--quick, ARGS="-k link")
	@$(BIN)/labkit test $(ARGS)

soak: install-test ## The long tests: 1,000 calls opened and closed, large fuzz
	@$(BIN)/labkit test -m soak -o faulthandler_timeout=0 $(ARGS)

bench: install-test ## Measure the lab against others; write docs/benchmarks.md
	@$(BIN)/labkit bench --out docs/benchmarks.md $(ARGS)

check: install-test ## Lint, types, stale notebooks and messages
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python tools/notebooks.py check
	@$(BIN)/python tools/messages.py check
	@$(BIN)/python -m pytest -q tests/install -m "not install"

format: install-test ## Put the code in order
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

notebooks: install ## Build notebooks/*.ipynb from their text sources
	@$(BIN)/python tools/notebooks.py build

messages: install ## Collect the words that are to be translated
	@$(BIN)/python tools/messages.py extract

install: .venv/lab.stamp ## The install part of `make lab` and `make test`

install-test: .venv/test.stamp

# The stamps are why a second run needs no network. Nothing is built in an isolated environment:
# the build backend is one of the pinned requirements.
.venv/lab.stamp: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing the lab (a few minutes the first time) ..."
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/test.stamp: .venv/lab.stamp requirements-test.txt
	@echo "Installing what the tests need ..."
	@$(PIP) --require-hashes -r requirements-test.txt
	@touch $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "WebRTC Lab needs Python 3.11, 3.12 or 3.13, and none was found: install one (python.org), then run make again." >&2; exit 1; }
	@"$(PYTHON)" -m venv .venv || { rm -rf .venv; echo "“$(PYTHON) -m venv” failed: on Debian and Ubuntu install python3-venv, then run make again." >&2; exit 1; }

requirements: ## For maintainers, with uv on PATH: pin newer versions (UPGRADE=--upgrade)
	$(LOCK) --generate-hashes $(UPGRADE) pyproject.toml --group pyproject.toml:build -o requirements.txt
	$(LOCK) --generate-hashes $(UPGRADE) --group pyproject.toml:test -c requirements.txt -o requirements-test.txt
	$(LOCK) $(UPGRADE) pyproject.toml -c requirements.txt -o requirements-conda.txt

clean: ## Remove what was installed and built
	rm -rf .venv .lab .pytest_cache .mypy_cache .ruff_cache .hypothesis
