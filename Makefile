OUTPUT ?= demo_output
# Processes that share the test files; each takes up to 2 GB of memory.
JOBS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo test core slow attack audit containers flink engines stack-1.21 lint types clean

help: ## Say what each target does
	@sed -n 's/^\([a-z0-9.-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## Make .venv with the locked dependencies (the others do it when needed)
	@bash scripts/setup.sh

demo: setup ## Train, evaluate and serve the bundled example into OUTPUT (demo_output)
	@.venv/bin/tfx-sequences demo --output $(OUTPUT)

test: setup ## Run the tests, doctests included
	@.venv/bin/python -m pytest -n $(JOBS) --dist loadfile --durations 12 --ignore tests/engines --ignore tests/attack -m 'not slow and not containers'

core: setup ## Run the tests that need no TFX from the wheel, with the newest TensorFlow and Keras
	@JOBS=$(JOBS) .ci/core

slow: setup ## Run the tests that take longest: whole pipelines, trainings with a known result, public formats
	@.venv/bin/python -m pytest -n $(JOBS) --dist loadfile --durations 12 tests --ignore tests/engines --ignore tests/attack -m 'slow and not containers'

attack: setup ## Mutate records, frames, specs, requests and models and try every route; HOURS=2 continues for two hours
	@TFX_SEQUENCES_ATTACK_HOURS=$(HOURS) .venv/bin/python -m pytest tests/attack --durations 5

audit: setup ## Ask pip-audit whether a locked package has a known vulnerability; one that is unknown there is an error
	@uv=$$(command -v uv || echo .tools/bin/uv); \
	$$uv export --quiet --frozen --no-emit-project --all-extras --format requirements-txt > .audit.txt && \
	$$uv tool run pip-audit --strict --disable-pip --requirement .audit.txt; code=$$?; rm -f .audit.txt; exit $$code

containers: setup ## Run every container's command line of a compiled pipeline, as the image is built
	@.venv/bin/python -m pytest tests/pipeline/test_entrypoints.py -m containers --durations 5

flink: setup ## Compare Beam's job server, Prism and a Flink cluster that loses a TaskManager with the direct engine
	@.venv/bin/python -m pytest tests/engines -k 'not spark' -rs --durations 5

engines: setup ## Compare all of Beam's engines with the direct one: its job server, Prism, Flink and Spark
	@.venv/bin/python -m pytest tests/engines -rs --durations 5

stack-1.21: ## Run all tests with Python 3.13 and TFX 1.21 in a Debian 13 userland (needs root)
	@.ci/stack-1.21

lint: setup ## Check style, formatting and plain English
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/python scripts/check_language.py

types: setup ## Check types
	@.venv/bin/mypy

clean: ## Remove what demo, tests and builds wrote; .venv stays
	@rm -rf demo_output build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find tests tfx_sequences benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
