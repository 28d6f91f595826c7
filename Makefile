# The list of commands, for people and for CI alike. Each sets up what it needs; `make help` shows them.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
FAST_TESTS := $(BIN)/python -m pytest -m "not slow and not browser" --numprocesses auto --dist loadfile
PICTURED ?= /srv
PEERS := tests/peers/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help demo test check lint types imports docs slow postgres conformance inspector browser screenshots coverage floors bench lock clean

help: ## Show the commands.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /:/' | awk -F: '{ printf "%-14s%s\n", $$1, $$2 }'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("agentops-mcp needs Python 3.11 or newer" if sys.version_info < (3, 11) else 0)'
	@echo "Setting up .venv (once, about a minute)"
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes --no-deps --requirement constraints.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

$(PEERS): $(STAMP) tests/peers/package-lock.json
	$(BIN)/python tests/peers/node.py install
	@touch $(PEERS)

demo: $(STAMP) ## Drive the server as a client would; show what an agent and a person see.
	@$(BIN)/agentops-mcp demo

test: $(STAMP) ## Run the fast tests.
	$(FAST_TESTS) $(MEASURED)

check: lint types imports docs conformance inspector browser slow coverage ## Run everything else that CI runs.

lint: $(STAMP) ## Check style and format.
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(PEERS) ## Check types, strictly.
	$(BIN)/python tests/peers/node.py pyright

imports: $(STAMP) ## Check that imports follow the layout.
	$(BIN)/lint-imports --no-cache

docs: $(STAMP) ## Check that the generated reference is up to date.
	$(BIN)/python scripts/compile_packs.py --check
	$(BIN)/python scripts/reference.py --check

coverage: $(STAMP) ## Run the fast tests on both databases, and hold coverage to its floors.
	rm -f .coverage .coverage.*
	$(MAKE) test MEASURED="--cov --cov-report="
	$(MAKE) floors

floors: $(STAMP) ## The second half of coverage: PostgreSQL, added to what was measured, and the floors.
	$(BIN)/python -m pytest --database postgresql tests/storage tests/factors tests/e2e/test_kill.py --cov --cov-append --cov-report=
	$(BIN)/python scripts/coverage_floors.py

slow: $(STAMP) ## Run the slow tests: many processes, killed at random.
	$(BIN)/python -m pytest -m slow

postgres: $(STAMP) ## Run the storage, factor and kill tests on a PostgreSQL server of their own.
	$(BIN)/python -m pytest --database postgresql tests/storage tests/factors tests/e2e/test_kill.py

conformance: $(PEERS) ## Run the official MCP conformance suite, both protocol eras.
	$(BIN)/python tests/peers/run_conformance.py

inspector: $(PEERS) ## Run the MCP Inspector and the TypeScript SDKs against the server, both protocol eras.
	$(BIN)/python tests/peers/run_inspector.py
	$(BIN)/python tests/peers/run_approvals.py

browser: $(PEERS) ## Test the page in a real Chromium, which must be installed.
	$(BIN)/python -m pytest -m browser tests/browser

screenshots: $(STAMP) ## Draw the documentation's pictures anew, of a project in PICTURED.
	$(BIN)/python -m pytest tests/browser/test_screenshots.py --keep-screenshots $(PICTURED)

bench: $(STAMP) ## Measure start, latency, growth, resuming, context loading and approvals; exits 1 when a bar is missed.
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/latency.py
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/resume.py
	$(BIN)/python benchmarks/context.py --speed
	$(BIN)/python benchmarks/approval.py

lock: ## Renew constraints.txt (needs uv).
	scripts/lock.sh --upgrade

clean: ## Remove what the other commands made.
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .coverage* tests/peers/node_modules
