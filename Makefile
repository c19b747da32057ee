# make demo | test | lab | gallery | notebooks | docs | lint | clean. The first call builds .venv.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# The first working interpreter, 3.11 or newer. Override: make PYTHON=/path/to/python
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
# Installed first. Override to choose another build, such as a CUDA one.
TORCH ?= torch==2.13.0
# Versions of everything else, as tested by CI. For the newest on your index: make CONSTRAINTS=
CONSTRAINTS ?= constraints.txt
DEMO_DIR ?= outputs/demo
# Worker processes of `make test` and `make test-all`; a file's tests share one. 0: no workers.
JOBS ?= 2
# These measure time and memory, so they run separately.
MEASURED := tests/svg/test_hostile.py tests/stages/test_hostile_stages.py

BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
PINS := $(if $(CONSTRAINTS),-c $(CONSTRAINTS))

PACKS := tabler lucide hugeicons solar mynaui iconoir majesticons akar-icons heroicons feather twemoji \
	fluent-emoji-flat noto noto-v1 emojione fxemoji openmoji

.PHONY: help setup demo test test-all coverage mutants audit packs lab gallery notebooks docs lint clean
help:
	@echo "make demo       draw a few prompts with the shipped model into $(DEMO_DIR)/"
	@echo "make test       lint and all tests except the slow ones (ten minutes)"
	@echo "make test-all   the slow tests: hostile files, kills, fuzzing, every notebook (half an hour)"
	@echo "make lab        open JupyterLab in the project's environment"
	@echo "make gallery    open a page for drawing, editing and downloading icons (Ctrl-C stops it)"
	@echo "make packs      round-trip every icon pack and check the parser against another one (half an hour)"
	@echo "make notebooks  run all notebooks with default parameters and store their cleaned outputs"
	@echo "make docs       regenerate docs/cli.md from the commands' help"
	@echo "make lint       ruff, mypy and import layers"
	@echo "make coverage   run the tests and list uncovered lines (half an hour)"
	@echo "make mutants    mutation-test the core modules (half an hour)"
	@echo "make audit      check pinned packages for known vulnerabilities, if the index serves advisories"
	@echo "make clean      remove .venv, caches, runs/ and outputs/ (not data/)"

.venv/.stamp: pyproject.toml $(CONSTRAINTS)
	@[ -n "$(PYTHON)" ] || { echo "No Python >= 3.11 found. Debian/Ubuntu: sudo apt-get install python3 python3-venv," \
		"or choose one: make PYTHON=/path/to/python3.11" >&2; exit 2; }
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
	@# Without the timing tests: coverage is slow.
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
