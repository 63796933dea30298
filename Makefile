# Two commands do everything on a fresh machine with Python 3.11 or newer: `make reproduce` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
OUT ?= results
JOBS ?= 2
# One process of tests more than cores: an eighth of the time tests wait, for SLURM's clocks or for somebody to be found silent.
TESTERS ?= $(shell expr $(JOBS) + 1)
FUZZ_SECONDS ?= 3600
FUZZ_SEED ?= $(shell date +%Y%m%d)

# What jax has compiled, for all processes of the tests, which compile the same modules again and again.
KEPT = JAX_COMPILATION_CACHE_DIR=$(abspath $(VENV)/jax) JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 \
	JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

.PHONY: reproduce test tests test-slow test-random fuzz compose lint style types format benchmark site release-check clean

reproduce: $(VENV)/.installed
	$(BIN)/clockless reproduce desynchronous --figure 1b --out $(OUT)
	@echo "The picture is $(OUT)/desynchronous/figure-1b.png"

# Types are checked beside the tests, since mypy has one thread; what takes seconds comes first.
test: style
	@$(MAKE) --no-print-directory -j 2 types tests

# Test processes side by side would each start as many threads of BLAS as there are cores, and a process of their own to compile in.
# Python's own compiled modules are kept, even if the shell says otherwise: hundreds of processes import the package.
tests: $(VENV)/.installed-dev
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(KEPT) $(BIN)/pytest -m "not slow" -n $(TESTERS) --dist loadfile

test-slow: $(VENV)/.installed-dev
	$(BIN)/pytest -m slow

# Examples drawn anew every time, for what `make test` draws alike everywhere; what is found is kept in .hypothesis.
test-random: $(VENV)/.installed-dev
	HYPOTHESIS_PROFILE=random $(BIN)/pytest -m "hypothesis and not slow"

# Inputs that nobody meant, others every day; `make test` tries a fixed few. Findings are files with the command that repeats each.
fuzz: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/reliability fuzz --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED) --jobs $(JOBS) --out $(OUT)/reliability

lint: style types

style: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

compose: $(VENV)/.installed-dev
	$(BIN)/python tests/composition.py

benchmark: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/table.py

# Pages with the outputs of the notebooks; begin at build/site/index.html. Warnings and dead links are errors.
site: $(VENV)/.installed-site
	$(BIN)/python docs/site/pages.py build/site-pages --results $(OUT)
	$(BIN)/python -m sphinx -q -W --keep-going -j $(JOBS) -c docs/site -d build/site-trees build/site-pages build/site
	$(BIN)/python docs/site/check.py build/site
	@echo "The first page is build/site/index.html"

# Wheel and sdist, installed into an empty environment of every Python that is found, and used.
release-check: $(VENV)/.installed-dev
	$(BIN)/python benchmarks/release.py

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[modules]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

$(VENV)/.installed-site: pyproject.toml $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[site]'
	touch $@

clean:
	rm -rf $(VENV) $(OUT) build dist
