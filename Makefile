# Every target sets up what it needs; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What tests and lint need besides: a quarter of the installation, which whoever only runs it need not wait for.
TOOLS := $(VENV)/.installed-tools

.PHONY: help install run serve check test drill torture lint format bench clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(TOOLS): $(STAMP)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group tests --group lint
	@touch $@

install: $(STAMP)  ## make .venv with the versions that were tested; tests and lint add their tools when they are first asked for

run: $(STAMP)  ## the nightly run on the built-in sample shop
	$(BIN)/shelftalker run --dataset sample

# DB=postgresql+asyncpg://USER:PASSWORD@HOST/DATABASE make serve PORT=4200 REPORTS_PORT=4280
# make serve DATASET=orders.toml AT=03:15 serves that file beside those in the home's folder `datasets`.
# DB goes before `make`: what stands behind it, everybody on this machine can read in the list of processes.
serve: export SHELFTALKER_SERVER_DATABASE = $(DB)
serve: $(STAMP)  ## Prefect server, worker, schedules and reports on this machine, until Ctrl-C
	$(if $(findstring @,$(if $(filter command,$(origin DB)),$(DB))),$(error write DB=... before make, where no other user can read it))
	@$(BIN)/python -m deployments.serve $(if $(PORT),--port $(PORT)) \
		$(if $(REPORTS_PORT),--reports-port $(REPORTS_PORT)) \
		$(foreach file,$(DATASET),--dataset $(file)) $(if $(AT),--at $(AT))

# Two at once, as many tests wait for servers and other processes. Each file stays in one of the two, which starts one
# server for all its flow tests; in the order of the folders, for the long files come first then and the many short ones fill up.
PYTEST := $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

# Without servers, and without what trains on whole real logs.
check: lint  ## lint and the fast tests: for the loop at the desk
	$(PYTEST) -m "not server and not slow and not real_data"

test: $(TOOLS)  ## all tests
	$(PYTEST)

drill: $(STAMP)  ## break a running server and worker in every way we know, and see that nothing is lost
	$(BIN)/python -m deployments.drill

torture: $(TOOLS)  ## hostile input, kills, damage and two at once: bounded to 20 minutes
	$(BIN)/python -m deployments.torture

lint: $(TOOLS)  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(TOOLS)  ## let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(TOOLS)  ## short benchmarks against peers; writes docs/benchmarks.md
	$(BIN)/python -m benchmarks

clean:  ## remove the environment and everything a run left here
	rm -rf $(VENV) .shelftalker
