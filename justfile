# The tasks of this workspace. `./amparo test` runs the same checks and tests.

# format, lint, types, import contracts
check:
    ruff format --check .
    ruff check .
    mypy packages/*/src tests tools $(find packages/*/tests bench -name '*.py' 2>/dev/null)
    lint-imports

# write the formatting
format:
    ruff format .
    ruff check --fix .

# all tests but the slow ones
test *args:
    pytest {{args}}

# the slow fault tests: kill -9, restarts, full disks
faults *args:
    pytest -m faults tests/faults {{args}}

# every screen of the desk in five languages, light and dark, two widths (many minutes)
screens *args:
    pytest -m screens tests/browser {{args}}

# each service in an environment with only what it declares (about a minute; needs the packages cached or a network)
isolated *args:
    pytest -m isolated tests/isolated {{args}}

# a performance claim as one command, for example: just bench month --households survey
bench name *args:
    python -m bench.{{name}} {{args}}

# which lines and branches the tests reach
coverage *args:
    coverage run -m pytest {{args}}
    coverage report

# write docs/errors.md anew from the packages' errors.py
errors-docs:
    python tools/errors_docs.py

# write requirements.lock anew (exact versions and hashes, no host named)
lock:
    tools/lock.sh
