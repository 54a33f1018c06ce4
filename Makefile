# Every target makes what it needs: the virtual environment in .venv, and for tests the programs by apt.
.DELETE_ON_ERROR:
.PHONY: demo sandbox test style types matrix mutants bench soak messages programs lock hashes wheel sbom clean

# Else every worker of the tests would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
# Tests wait more than they work, and the longest may come last.
WORKERS := $(BIN)/pytest -n 3 --dist worksteal

demo: $(VENV)/run
	$(BIN)/thron-connector demo

sandbox: $(VENV)/run
	$(BIN)/thron-connector sandbox

test: style types programs
	$(WORKERS)

style: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test
	$(BIN)/mypy

matrix: $(VENV)/test # every reading of THRON alone, every two together, and all; every page; every pump, every loop
	$(WORKERS) -m 'not soak and not bench' tests/test_readings.py tests/delivery/test_switches.py \
		tests/browser/test_console_connectors.py tests/browser/test_console_overview.py \
		tests/browser/test_console_pages.py
	for pump in ordinary direct splice; do \
		for loop in '' '-p tests.on_uvloop'; do \
			PUMP=$$pump $(WORKERS) -m 'not soak and not bench' $$loop \
				tests/delivery tests/semantics || exit 1; done; done

mutants: $(VENV)/test # small slips planted in what is pure: lists those that no test notices
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[mutants]'
	$(BIN)/mutmut run
	$(BIN)/mutmut results

bench: $(VENV)/test programs # half an hour on an idle machine; writes tests/bench/RESULTS.md
	BENCH_RESULTS=1 $(BIN)/pytest -m bench -s tests/bench

soak: $(VENV)/test programs
	$(BIN)/pytest -m soak --timeout 0 -s

messages: $(VENV)/test # the console's texts for its translators: run after a text was added or changed
	PYTHONPATH=. $(BIN)/pybabel -q extract
	sed -i '/^"[A-Za-z-]*-Date: /d' proxy/admin/web/locale/console.pot # else every run would differ
	$(BIN)/pybabel -q update

programs:
	tests/programs

$(VENV)/run: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/test: $(VENV)/run
	PIP_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

lock: # the newest of everything, to be committed after a green test
	rm -rf $(VENV)/lock && $(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/pip install --quiet '.[test,mutants]'
	$(VENV)/lock/bin/pip freeze --exclude thron-download-connector > constraints.txt
	rm -rf $(VENV)/lock
	$(MAKE) hashes

hashes: # of what the image is made of, in the versions of constraints.txt
	rm -rf $(VENV)/uv && $(PYTHON) -m venv $(VENV)/uv
	$(VENV)/uv/bin/pip install --quiet uv
	$(VENV)/uv/bin/$(COMPILE) --extra postgresql pyproject.toml > deploy/requirements.txt
	echo hatchling | $(VENV)/uv/bin/$(COMPILE) - > deploy/build-requirements.txt
	rm -rf $(VENV)/uv

COMPILE := uv pip compile --quiet --universal --generate-hashes --no-annotate \
	--constraints constraints.txt --custom-compile-command 'make hashes'

wheel: $(VENV)/test # and sdist, in dist/
	$(BIN)/python -m hatchling build

sbom: # what the image holds, in CycloneDX's format: dist/sbom.cdx.json
	rm -rf $(VENV)/sbom && $(PYTHON) -m venv $(VENV)/sbom
	$(VENV)/sbom/bin/pip install --quiet cyclonedx-bom
	mkdir -p dist
	$(VENV)/sbom/bin/cyclonedx-py requirements --pyproject pyproject.toml \
		--output-file dist/sbom.cdx.json deploy/requirements.txt
	rm -rf $(VENV)/sbom

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis mutants
