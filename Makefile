# Everything runs from .venv, made here from requirements.lock (hashes checked). Needs Python 3.11+, make and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup demo test check lint types contracts bench faults screenshots lock dist sbom docs clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: $(READY)  ## make .venv with everything in it

# Said in words: what pip says of an older Python is hard to read.
TOO_OLD := import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, and this is \
%d.%d; name another one: make setup PYTHON=python3.12" % sys.version_info[:2])

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

# The list has all that is needed, so that nothing is looked for besides. It is installed in two halves at once: one core
# would take twice as long.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c '$(TOO_OLD)'
	$(PYTHON) -m venv $(VENV)
	@awk '/^[^ #]/ {n++} {print > "$(VENV)/half-" n % 2}' requirements.lock
	ls $(VENV)/half-* | xargs -n 1 -P 2 $(INSTALL) --require-hashes -r
	$(INSTALL) --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)  ## run the whole product against the local Egnyte sandbox
	@$(BIN)/signalpost demo

test: $(READY)  ## run the whole test suite
	$(BIN)/pytest -n 4 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check src tests bench examples
	$(BIN)/ruff format --check src tests bench examples
	$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md docs src tests bench examples deploy

contracts: $(READY)
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

check: lint contracts types test  ## what CI runs

bench: $(READY)  ## run the benchmarks; results in bench/results/
	$(BIN)/python -m bench
	$(BIN)/python -m bench.costs
	$(BIN)/python -m bench.growth
	$(BIN)/python -m bench.schedule
	test -e build/readers/ready || { $(BIN)/python -m bench.readers --prepare build/readers && touch build/readers/ready; }
	$(BIN)/python -m bench.readers build/readers

faults: $(READY)  ## have every fault strike; results in docs/reliability.md
	$(BIN)/python -m tests.faults

screenshots: $(READY)  ## show every page of the console; pictures in docs/images/
	$(BIN)/python -m tests.browser.screenshots

COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
	    --python-version 3.11

lock: $(READY)  ## renew the lock files: for developers, and in the same versions for the image (needs uv)
	$(COMPILE) pyproject.toml --group dev -o requirements.lock
	$(COMPILE) pyproject.toml --extra opentelemetry -c requirements.lock -o requirements-service.lock
	$(COMPILE) --group build -c requirements.lock -o requirements-build.lock

# The time of the last commit, so that the same commit gives the same bytes.
MADE_AT := SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct)

dist: $(READY) sbom  ## build wheel, sdist and SBOM in dist/, the same bytes from the same commit
	$(MADE_AT) $(BIN)/python -m build --no-isolation --outdir dist .

sbom: $(READY)  ## list what the service is made of, from its lock file, in dist/ (CycloneDX)
	@mkdir -p dist
	$(MADE_AT) $(BIN)/cyclonedx-py requirements -i "" --output-reproducible --pyproject pyproject.toml \
	    -o dist/signalpost.cdx.json requirements-service.lock

docs: $(READY)  ## build the documentation as a site, in build/docs/
	$(BIN)/sphinx-build -q -W --keep-going -d build/docs-read -b html docs build/docs

clean:  ## remove what make made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
