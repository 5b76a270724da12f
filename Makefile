# make run      the centre with demo data on http://127.0.0.1:8080 (PORT changes it)
# make test     everything that CI runs; E2E=0 leaves the browser tests out
# make bench    the figures, one JSON line each; BENCH=media runs one area
# make nightly  the long tests
# make coverage what the tests without a browser run of the code
# make lint | fmt | web | requirements

PY := .venv/bin/python
BENCH ?=
E2E ?= 1
CHECKED := config db contactcenter crm channels routing ai billing tests tools

.PHONY: run test coverage bench nightly lint fmt web requirements venv dev clean
.DEFAULT_GOAL := run

run: web
	@exec $(PY) -m contactcenter demo

venv:
	@tools/venv base

dev:
	@tools/venv base dev

web: venv
	@$(PY) tools/build_web.py

lint: dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

fmt: dev
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Playwright keeps an event loop running in its thread, so browser tests have a process of their own.
# What fails while three workers share the machine is run once more, alone; what fails twice, fails.
# Not so what proves that nothing is lost or given twice (here, and what is marked `proof`, whose
# exit code is another): there, one failure is one too many.
TESTS = $(PY) -m pytest -n 3 --dist worksteal $(1) || { [ $$? -eq 1 ] && \
	echo "Once more, alone, what failed:" && $(PY) -m pytest --last-failed --last-failed-no-failures none $(1); }

PROOFS = tests/simulation tests/reliability
ONCE = $(PY) -m pytest -n 3 --dist worksteal $(PROOFS)
REST = --ignore=tests/e2e $(PROOFS:%=--ignore=%)

ifeq ($(E2E),0)
test: lint web
	$(PY) tools/build_web.py --check
	@echo "E2E=0: the tests in a real browser are left out."
	$(ONCE)
	$(call TESTS,$(REST))
else
test: lint web
	$(PY) tools/build_web.py --check
	@chromium=$$(tools/chromium) || exit 1; \
	echo "Browser tests run in $$chromium."; \
	$(ONCE) && { $(call TESTS,$(REST)); } && \
	export CHROMIUM="$$chromium" && { $(call TESTS,tests/e2e); }
endif

nightly: dev web
	@chromium=$$(tools/chromium) || exit 1; \
	NIGHTLY=1 $(PY) -m pytest -m "nightly or not nightly" --ignore=tests/e2e && \
	NIGHTLY=1 CHROMIUM="$$chromium" $(PY) -m pytest -m "nightly or not nightly" tests/e2e

# What the tests without a browser run of the code; PATHS=tests/unit/routing asks a part of them.
coverage: dev web
	$(PY) -m pytest -n 2 --dist worksteal $(foreach part,$(CHECKED),--cov=$(part)) \
	  --cov-report=term:skip-covered $(or $(PATHS),tests --ignore=tests/e2e)

bench: dev web
	@$(PY) -m tests.bench $(BENCH)

# Resolve requirements/*.in anew into pinned and hashed *.txt. UPGRADE=1 takes newer versions.
requirements: dev
	@for name in uv node base dev; do \
	  .venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" \
	    $(if $(UPGRADE),--upgrade) requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

clean:
	rm -rf .venv contactcenter/static web/node_modules
