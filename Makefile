# Two commands are enough: `make start` to learn, `make test` to change something.
# Each sets up .venv the first time and repairs it whenever it is stale. On Windows, the same without
# make: `py tools/make.py start` and `py tools/make.py test`.
#
# ARGS is handed on:  make test ARGS="-k tokens"   make start ARGS="--no-browser"
# EXTRAS adds optional parts:  make start EXTRAS=audio

# The first Python on PATH that is new enough; without one, python3 says itself what it lacks.
PYTHON ?= $(or $(shell for python in python3 python3.13 python3.12 python3.14 python3.11 python; do \
	"$$python" -c "import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))" \
	>/dev/null 2>&1 && { echo "$$python"; break; }; done),python3)

COMMANDS := start test check bench setup pin clean

.PHONY: help $(COMMANDS)

help:
	@echo "make start   the lessons and the apps (sets up everything the first time)"
	@echo "make test    the whole test suite     make check   format, lint, types"
	@echo "make bench   measurements             make clean   remove .venv and caches"

$(COMMANDS):
	@$(PYTHON) tools/make.py $@ $(if $(EXTRAS),--extras $(EXTRAS)) $(ARGS)
