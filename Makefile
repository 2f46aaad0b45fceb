# One screen of commands. A fresh machine needs only the first two.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# What the page loads in the browser, from npm; where npm is missing all but the page works.
LIBRARIES := api/pages/static/vendor/.ready
# Who starts dozens of processes, as tests and demo do, wants each source compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint fmt bench dagster page words contracts lock up clean help

demo: $(VENV)/.ready page       ## the whole system on this machine, with believable traffic
	$(BIN)/omnichannel demo

# EXAMPLES=30: so many times the usual number of examples for each property.
export EXAMPLES ?= 1
test: $(VENV)/.ready lint page  ## every test, on a real broker
	$(BIN)/pytest -n 3 --dist loadscope

lint: $(VENV)/.ready            ## style, types, who may import whom, Dagster's definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports
	$(BIN)/dagster definitions validate --log-level error -m dagster_project.definitions

fmt: $(VENV)/.ready             ## put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.ready           ## every performance claim, measured here
	for claim in core worker load warehouse api; do $(BIN)/python -m bench.$$claim || exit 1; done

dagster: $(VENV)/.ready         ## when things run: assets, checks, schedule, in the browser
	DAGSTER_HOME="$(CURDIR)/.dagster" $(BIN)/dagster dev

page: $(LIBRARIES)              ## what the page loads in the browser, by npm

words: $(VENV)/.ready           ## the page's texts into the catalogs of its languages
	$(BIN)/pybabel -q extract --mapping pyproject.toml --keyword N_ --no-location --sort-output \
	  --output-file $(VENV)/messages.pot .
	$(BIN)/pybabel update --no-fuzzy-matching --ignore-pot-creation-date --omit-header \
	  --input-file $(VENV)/messages.pot --output-dir api/pages/locales

contracts: $(VENV)/.ready       ## write docs/contracts/ anew from the code
	$(BIN)/omnichannel contracts write

lock: $(VENV)/.ready            ## resolve the dependencies anew
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --all-extras --upgrade pyproject.toml --output-file requirements-dev.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --constraint requirements-dev.lock pyproject.toml --output-file requirements.lock

up:                             ## the stack in containers
	docker compose up --build

clean:                          ## remove what the commands above made
	rm -rf $(VENV) .omnichannel logs build *.egg-info node_modules $(dir $(LIBRARIES))

help:                           ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements-dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

ifneq ($(shell command -v npm),)
$(LIBRARIES): package-lock.json package.json
	npm ci --silent --no-progress
	mkdir -p $(@D)
	cp node_modules/htmx.org/dist/htmx.min.js node_modules/echarts/dist/echarts.min.js $(@D)
	gzip -9 -n -k -f $(@D)/*.js
	touch $@
else
$(LIBRARIES):
	@echo "No npm: the API works, its page does not. Install Node.js 20+ with npm and run make page."
endif
