# Everything runs in .venv, which is made and kept in line with uv.lock by infra/venv.sh.

# Everything here is many processes that load the same modules: they are compiled once, whatever the machine is set to.
unexport PYTHONDONTWRITEBYTECODE

LOCKED = pyproject.toml uv.lock infra/venv.sh
BIN = .venv/bin
# One more than there are cores: some tests wait for a lease or an emulator.
WORKERS = $$(($$($(BIN)/python -c "import os; print(os.cpu_count())") + 1))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

demo: .venv/.for-run ## Make a cooking video, send it through the whole pipeline, show the recipe
	@$(BIN)/clipwise demo

up: .venv/.for-run ## Serve the API on this machine until interrupted
	@$(BIN)/clipwise up

up-emulators: .venv/.for-dev ## Serve it from Google's emulators, each function in its own process
	@$(BIN)/clipwise up --emulators

package: .venv/.for-dev ## Make the functions' deployable packages in dist/
	@$(BIN)/python -m infra.packaging.package

test: .venv/.for-dev program-deps browser-deps terraform-deps ffmpeg-deps ## Run all tests, on all cores
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test-others: .venv/.for-dev ## Run the demo, the packages and library tests on the other interpreters here, and the wheel
	@$(BIN)/python -m tests.matrix

test-matrix: .venv/.for-dev ffmpeg-deps ## Run most tests on every interpreter, with the oldest and the newest libraries
	@$(BIN)/python -m tests.matrix --full

program-deps: ## Install a browser and the other programs that tests need, where that can be done
	@sh tests/install.sh

browser-deps: program-deps ## Install the Firebase SDK for the browser tests, where that can be done
	@sh tests/browser/install.sh

terraform-deps: .venv/.for-dev ## Install what the tests of terraform/ need beside Terraform, where that can be done
	@sh tests/terraform/install.sh

ffmpeg-deps: .venv/.for-dev ## Install older ffmpeg programs for the media tests
	@sh tests/unit/media/install.sh

check: .venv/.for-dev ## Check format, lint, layers and types
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

format: .venv/.for-dev ## Format the code and repair what the linter can
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: .venv/.for-dev ## Measure speed
	@for bench in benchmarks/[a-z]*.py; do $(BIN)/python -m benchmarks.$$(basename "$$bench" .py) || exit 1; done

clean: ## Remove .venv and caches; the data in .clipwise stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.for-run: $(LOCKED)
	@PYTHON='$(PYTHON)' sh infra/venv.sh run

.venv/.for-dev: $(LOCKED)
	@PYTHON='$(PYTHON)' sh infra/venv.sh dev

.PHONY: help demo up up-emulators package test test-others test-matrix program-deps browser-deps terraform-deps ffmpeg-deps check format bench clean
