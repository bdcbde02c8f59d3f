# One command for everything; `make help` lists them. Works with GNU make 3.81, in paths with spaces (all paths are relative).
PYTHON ?= python3
UV_VERSION := 0.13.8
RUN := .venv/bin/python
UV := UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never .venv/bin/uv
# Any address will do: mypy and `check --deploy` read the settings and open no connection.
DEPLOYED := DATABASE_URL=postgres://app:app@127.0.0.1/stillpoint REDIS_URL=redis://127.0.0.1:6379/0 \
	SECRET_KEY=$$(.venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	DEBUG=false EMBEDDED=false INSECURE_COOKIES=false ALLOWED_HOSTS=clinic.example SITE_URL=https://clinic.example

# A Python that was named must be the one in .venv; otherwise whatever is there will do.
VERSION_OF = $(shell '$(1)' -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
ifneq ($(origin PYTHON),file)
ifneq ($(call VERSION_OF,$(PYTHON)),$(call VERSION_OF,$(RUN)))
OTHER_PYTHON := other-python
endif
endif

.DEFAULT_GOAL := help
.PHONY: help demo up stop test check pictures other-python

help:
	@echo 'make demo    run an example clinic at http://127.0.0.1:8000 (PORT=8123 make demo moves it)'
	@echo 'make up      run your own clinic, empty at first'
	@echo 'make stop    end everything this checkout runs'
	@echo 'make test    run the tests'
	@echo 'make check   run the static checks'
	@echo 'make pictures  take the pictures in docs/ anew'
	@echo 'PYTHON=python3.12 make demo chooses the Python; 3.11 or newer is needed.'

demo up: .venv/.synced
	@exec $(RUN) manage.py $@

stop:
	@if [ -x $(RUN) ]; then exec $(RUN) manage.py stop; else echo 'Nothing was running.'; fi

test: .venv/.synced
	$(RUN) -m pytest -n 2 --dist loadgroup

pictures: .venv/.synced
	$(RUN) -m pytest tests/browser/test_walk_through.py tests/browser/test_example_clinic.py --pictures docs/pictures

check: .venv/.synced
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	find . -path ./.venv -prune -o -path '*/templates/*' -name '*.html' -print0 | xargs -0 .venv/bin/djade --check --target-version 5.2
	$(RUN) -m djlint --lint --quiet templates
	$(DEPLOYED) $(RUN) -m mypy .
	.venv/bin/lint-imports
	$(DEPLOYED) $(RUN) manage.py check --deploy --fail-level WARNING
	$(RUN) manage.py makemigrations --check --dry-run

.venv/.synced: uv.lock pyproject.toml $(OTHER_PYTHON)
	@command -v '$(PYTHON)' >/dev/null || { echo 'There is no $(PYTHON) here: install Python 3.11 or newer, or choose one with PYTHON=python3.12 make demo.' >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Stillpoint needs Python 3.11 or newer, and $(PYTHON) is %d.%d: choose another with PYTHON=python3.12 make demo." % sys.version_info[:2])'
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { echo 'This Python cannot make environments: install its venv module (on Debian and Ubuntu: apt install python3-venv).' >&2; exit 1; }
	@echo 'Preparing the environment in .venv (once, and again when uv.lock changes).'
	@test -z "$(OTHER_PYTHON)" && $(RUN) -m pip --version >/dev/null 2>&1 || '$(PYTHON)' -m venv --clear .venv
	@test "$$(.venv/bin/uv --version 2>/dev/null | cut -d' ' -f2)" = $(UV_VERSION) || \
		$(RUN) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(UV) sync --quiet --locked --inexact --python $(RUN)
	@touch $@
