# make demo | test | lab | gallery | notebooks | docs | lint | clean. The first call builds .venv; later calls skip that.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first interpreter that really runs and is 3.11 or newer. Override: make PYTHON=/path/to/python
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
# Installed before everything else. Override to choose another build, for instance a CUDA one.
TORCH ?= torch==2.13.0
# Versions of everything else, as CI tests them. The newest that your index serves: make CONSTRAINTS=
CONSTRAINTS ?= constraints.txt
DEMO_DIR ?= outputs/demo
# Processes that `make test` and `make test-all` run in; a file's tests stay in one. 0: none beside pytest's own.
JOBS ?= 2
# They look at the clock and at memory, so nothing else runs beside them.
MEASURED := tests/svg/test_hostile.py tests/stages/test_hostile_stages.py

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PINS := $(if $(CONSTRAINTS),-c $(CONSTRAINTS))

PACKS := tabler lucide hugeicons solar mynaui iconoir majesticons akar-icons heroicons feather twemoji \
	fluent-emoji-flat noto noto-v1 emojione fxemoji openmoji

.PHONY: help setup demo test test-all coverage mutants audit packs lab gallery notebooks docs lint clean
help:
	@echo "make demo       draw a few prompts with the shipped model into $(DEMO_DIR)/"
	@echo "make test       lint, and all tests but the long ones (ten minutes)"
	@echo "make test-all   the long ones: hostile files through all stages, kills, fuzzing, every notebook (half an hour)"
	@echo "make lab        JupyterLab in the project's environment"
	@echo "make gallery    draw, edit and take icons home, on a page of its own (Ctrl-C ends it)"
	@echo "make packs      round trip of every icon pack, and the parser against an independent reader (half an hour)"
	@echo "make notebooks  run them all with their defaults and store the cleaned outputs in notebooks/"
	@echo "make docs       write docs/cli.md anew, from the commands' own help"
	@echo "make lint       ruff, mypy and the order of imports"
	@echo "make coverage   the tests with a count of the lines that no test runs (half an hour)"
	@echo "make mutants    does a test fail for every small change of the core modules? (half an hour)"
	@echo "make audit      known vulnerabilities of the pinned packages, where the index serves advisories"
	@echo "make clean      remove .venv, caches, runs/ and outputs/ (not data/)"

.venv/.stamp: pyproject.toml $(CONSTRAINTS)
	@[ -n "$(PYTHON)" ] || { echo "No Python >= 3.11 found. Debian/Ubuntu: sudo apt-get install python3 python3-venv," \
		"or name one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) .ci/check_system.py
	@echo "Setting up .venv with $(PYTHON) (a few minutes, once) ..."
	@$(PYTHON) -m venv .venv
	@$(PIP) "$(TORCH)"
	@$(PIP) $(PINS) -e .
	@$(BIN)/python -c "import cairosvg"
	@touch $@

.venv/.stamp-test: .venv/.stamp
	@echo "Adding the test extras ..."
	@$(PIP) $(PINS) -e ".[test]"
	@touch $@

setup: .venv/.stamp-test
	@git config diff.ipynb.textconv "$(BIN)/jupyter nbconvert --to script --stdout --log-level ERROR" || true

demo: .venv/.stamp
	@$(BIN)/svgfusion generate --output_dir $(DEMO_DIR) --num_samples 2 \
		--prompt "a heart, tabler style" --prompt "shopping cart, tabler style" \
		--prompt "mail, tabler style" --prompt "user, tabler style" \
		--prompt "bell, lucide style" --prompt "cloud, lucide style" \
		--prompt "red heart, twemoji style" --prompt "beer mug, twemoji style"
	@echo "SVG files:     $(DEMO_DIR)/*.svg"
	@echo "Contact sheet: $(DEMO_DIR)/sheet.png"

test: lint
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile \
		-m "not slow and not notebooks and not packs" tests --durations=15

test-all: .venv/.stamp-test
	@$(BIN)/python -m pytest notebooks/00_tour.ipynb notebooks/08_gallery.ipynb --nbval --nbval-current-env \
		--nbval-cell-timeout 120 --nbval-sanitize-with tests/nbval.cfg
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(MEASURED) --durations=5
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile \
		-m "slow or notebooks" tests $(MEASURED:%=--ignore %) --durations=15

packs: .venv/.stamp-test
	@$(BIN)/svgfusion fetch_packs --packs $(PACKS)
	@for pack in $(PACKS); do \
		$(BIN)/svgfusion roundtrip --svg_dir data/packs/$$pack --out_dir outputs/roundtrip/$$pack; done
	@$(BIN)/python -m pytest -m packs tests/packs

lab: .venv/.stamp
	@OMP_WAIT_POLICY=passive $(BIN)/python -m jupyterlab notebooks $(if $(filter 0,$(shell id -u)),--allow-root)

gallery: .venv/.stamp
	@$(BIN)/python -m svgfusion_lib.notebook_tools.gallery_page

notebooks: .venv/.stamp
	@$(BIN)/python -m svgfusion_lib.notebook_tools.runner --refresh

docs: .venv/.stamp
	@$(BIN)/python -m svgfusion_lib.cli.reference docs/cli.md

lint: .venv/.stamp-test
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

coverage: .venv/.stamp-test
	@mkdir -p outputs/coverage
	@# Without the tests that look at the clock: counting lines is slow.
	@$(BIN)/coverage run -m pytest tests --ignore tests/fuzz --ignore tests/svg/test_hostile.py
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report --skip-covered --show-missing --fail-under 95

mutants: .venv/.stamp-test
	@OMP_NUM_THREADS=1 $(BIN)/python tests/mutation/mutate.py

audit: .venv/.stamp
	@$(PIP) "pip-audit>=2.7"
	@$(BIN)/python .ci/audit.py

clean:
	rm -rf .venv runs outputs .pytest_cache .ruff_cache .mypy_cache .hypothesis svgfusion.egg-info
	find svgfusion_lib tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +
