# Everything runs in .venv, which is made and kept in line with uv.lock by infra/venv.sh.

# Everything here is many processes that load the same modules: they are compiled once, whatever the machine is set to.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL = help
LOCKED = pyproject.toml uv.lock infra/venv.sh
BIN = .venv/bin
# One more than there are cores: some tests wait for a lease or an emulator.
WORKERS = $$(($$($(BIN)/python -c "import os; print(os.cpu_count())") + 1))

##@ Try it

demo: .venv/.for-run ## Render a cooking video, process it, show the recipe
	@$(BIN)/clipwise demo --open

up: .venv/.for-run ## Serve the API at http://127.0.0.1:8080 until interrupted
	@$(BIN)/clipwise up

up-emulators: .venv/.for-dev ## The same on Google's emulators, each function in its own process (needs Java)
	@$(BIN)/clipwise up --emulators

help: ## Show this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

##@ Develop

check: .venv/.for-dev ## Check format, lint, layers and types
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/mypy

format: .venv/.for-dev ## Format the code and fix what the linter can fix
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

test: .venv/.for-dev program-deps browser-deps terraform-deps ffmpeg-deps client-deps ## Run all tests on all cores
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

soak: .venv/.for-dev ## Read 2000 mutated and 500 damaged files and 60 formats, send generated requests and 3000 jobs to the API, kill it 20 times
	@$(BIN)/python -m tests.mutations 2000
	@$(BIN)/python -m tests.mutations 500 1 damage
	@$(BIN)/python -m tests.format_table
	@SCHEMATHESIS_EXAMPLES=200 KILLS=20 $(BIN)/pytest tests/functions/api/test_schemathesis.py tests/chaos/test_kill.py
	@$(BIN)/python -m benchmarks.load 1000 2000

test-others: .venv/.for-dev ## Test the demo, the packages and the wheel on the other Pythons installed here
	@$(BIN)/python -m tests.matrix

test-matrix: .venv/.for-dev ffmpeg-deps ## Run most tests on every Python, with the oldest and the newest libraries
	@$(BIN)/python -m tests.matrix --full

bench: .venv/.for-dev ## Run all benchmarks, for hours; the last one prints the table of goals
	@$(BIN)/python -m benchmarks --all

bench-table: .venv/.for-dev ## Print the table of goals for speed and cost, in minutes
	@$(BIN)/python -m benchmarks

picture: .venv/.for-dev ## Run the demo and draw the README's picture from it
	@$(BIN)/clipwise demo
	@$(BIN)/python docs/images/demo.py

screenshots: .venv/.for-dev program-deps ## Take the pictures of the console's pages for the docs
	@$(BIN)/python -m docs.images.screenshots

sample: .venv/.for-dev program-deps ## Make the sample video that the console offers
	@$(BIN)/python -m infra.demo.sample

clean: ## Delete .venv, dist and caches; keep the data in .clipwise
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Install what some tests need (part of `make test`)

program-deps: ## Install a browser and the other programs that tests run, where possible
	@sh tests/install.sh

browser-deps: program-deps ## Install the Firebase SDK, where possible
	@sh tests/browser/install.sh

terraform-deps: .venv/.for-dev ## Install the linters for terraform/, where possible
	@sh tests/terraform/install.sh

client-deps: .venv/.for-dev program-deps ## Install the generators of clients, where possible
	@tests/clients/install.sh

ffmpeg-deps: .venv/.for-dev ## Install older ffmpeg programs
	@sh tests/unit/media/install.sh

##@ Deploy

package: .venv/.for-dev ## Build the functions' packages in dist/, with MODELS="…" if set; then see docs/deploy.md
	@$(BIN)/python -m infra.packaging.package --models $(MODELS)

.venv/.for-run: $(LOCKED)
	@PYTHON='$(PYTHON)' sh infra/venv.sh run

.venv/.for-dev: $(LOCKED)
	@PYTHON='$(PYTHON)' sh infra/venv.sh dev

.PHONY: help demo up up-emulators package picture sample screenshots test soak test-others test-matrix program-deps browser-deps terraform-deps ffmpeg-deps client-deps check format bench bench-table clean
