# `make demo` shows Passerby at work, `make test` checks it. Both need Python 3.11+, make and a
# package registry, and nothing else. PYTHON=… names another Python, VENV=… another folder.

VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS := dev,openvino
# Debian packages that the tests need: a browser for the report's page, letters for it, and a
# library that playwright's driver is linked with.
DEBIAN := chromium fonts-dejavu-core libatomic1 strace

ifndef PYTHON
PYTHON := $(firstword $(foreach python,python3 python3.13 python3.12 python3.11,\
	$(shell $(python) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(python))))
endif

AS_ROOT := test "$$(id -u)" = 0 && command -v apt-get >/dev/null
APT := export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -qq -y --no-install-recommends

.PHONY: help demo test lint format bench system clean

help:
	@echo 'make demo    install Passerby into $(VENV) and count a real clip'
	@echo 'make test    install what the tests need, check the code, run every test'
	@echo 'make lint    check the code only'
	@echo 'make format  put the code into its form'
	@echo 'make bench   print accuracy and speed beside other tools (needs the test data)'
	@echo 'make clean   remove what was made here'

demo: $(BIN)/.installed
	$(BIN)/passerby demo

test: system lint
	$(BIN)/pytest

lint: $(BIN)/.developed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.developed
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

# The yardsticks bring the windowed build of OpenCV: they live in an environment of their own.
bench:
	@$(MAKE) --no-print-directory VENV=build/bench EXTRAS=bench,openvino build/bench/bin/.developed
	build/bench/bin/python bench/accuracy.py
	build/bench/bin/python bench/speed.py

clean:
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n '$(PYTHON)' || { \
		echo 'Passerby needs Python 3.11 or newer, and found none. Install it, or name one:'; \
		echo '  make PYTHON=/path/to/python3'; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		package="$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
		if $(AS_ROOT); then echo "Installing $$package"; $(APT) "$$package"; \
		else echo "This Python makes no environments. As root: apt-get install $$package" >&2; exit 1; fi; }
	$(PYTHON) -m venv $(VENV)

$(BIN)/.installed: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q -e .
	@touch $@

$(BIN)/.developed: $(BIN)/python pyproject.toml
	$(BIN)/pip install -q -e '.[$(EXTRAS)]'
	@touch $@ $(BIN)/.installed

system:
	@missing=; for package in $(DEBIAN); do \
		dpkg -s "$$package" >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	test -n "$$missing" || exit 0; \
	if $(AS_ROOT); then echo "Installing$$missing"; ($(APT) $$missing) && exit 0; fi; \
	echo "Not installed:$$missing. Tests that need them say so. As root: apt-get install$$missing" >&2
