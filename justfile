# The tasks of this workspace. `./amparo test` runs the same checks and tests.

# format, lint, types, import contracts
check:
    ruff format --check .
    ruff check .
    mypy packages/*/src tests bench tools packages/*/tests
    lint-imports

# write the formatting
format:
    ruff format .
    ruff check --fix .

# all tests but the slow ones
test *args:
    pytest {{args}}

# write requirements.lock anew (exact versions and hashes, no host named)
lock:
    tools/lock.sh
