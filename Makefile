# `make repro` and `make test` are all that a new user needs; `make help` lists the rest.
.DEFAULT_GOAL := help
.PHONY: help install hashes repro tables real site test lint format

HOURS ?= 2
PROFILE ?= quick
PYTHON ?= $(shell command -v python3.11 || command -v python3)
ifeq ($(VERIFY),1)
REQUIREMENTS := --require-hashes --no-deps --requirement requirements.hashes.txt
EDITABLE := --no-build-isolation --editable .
else
REQUIREMENTS := --requirement requirements.txt
EDITABLE := --editable .
endif
export PATH := $(CURDIR)/.venv/bin:$(PATH)
INSTALLED := .venv/installed

help: ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

install: $(INSTALLED) ## make .venv with the pinned requirements and the package (VERIFY=1: only files of known SHA-256; Linux x86-64, Python 3.11)

$(INSTALLED): requirements.txt constraints.txt requirements.hashes.txt pyproject.toml
		$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), f"Python 3.11 to 3.13 is needed, this is {sys.version}"'
	$(PYTHON) -m venv .venv
	pip install --quiet $(REQUIREMENTS)
	pip install --quiet --no-deps $(EDITABLE)
	python stages/plots_page.py
	touch $@

hashes: $(INSTALLED) ## write requirements.hashes.txt: the pinned packages with the SHA-256 of each of their files
	pip install --quiet uv==0.13.9
	uv pip compile --quiet --generate-hashes --no-annotate --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
		--custom-compile-command 'make hashes' --output-file requirements.hashes.txt requirements.txt

repro: $(INSTALLED) ## run the selected system (params.yaml) and print its results
	python stages/repair_locks.py
	dvc --wait-for-lock repro
	python stages/summary.py

tables: $(INSTALLED) ## run every experiment behind the published tables on miniatures, and write the tables (PAPERS=louro_merge: one paper's)
	python stages/tables.py $(PAPERS)
	mer status $(PAPERS)

real: $(INSTALLED) ## train the experiments on the real corpora in data/raw for some hours (HOURS=2, PROFILE=quick)
	python stages/real.py $(HOURS) $(PROFILE)

site: .venv/site-installed ## build docs/ and the pages of results as a site in .mer/site, and check its links
	python stages/results_page.py
	NO_MKDOCS_2_WARNING=1 mkdocs build --strict
	@echo "Site: $(CURDIR)/.mer/site/index.html"

.venv/site-installed: $(INSTALLED) requirements-docs.txt
	pip install --quiet --requirement requirements-docs.txt
	touch $@

test: $(INSTALLED) ## run all tests
	OMP_NUM_THREADS=1 pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED) ## what pre-commit and CI check
	ruff check
	ruff format --check
	mypy

format: $(INSTALLED) ## fix what ruff can fix, and copy papers/experiments.yaml to the papers
	ruff check --fix
	ruff format
	for paper in papers/*/paper.yaml; do cp papers/experiments.yaml "$$(dirname $$paper)/dvc.yaml"; done
