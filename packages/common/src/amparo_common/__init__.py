"""What every part of Amparo may know: money, ids, clock, canonical JSON, signing, errors and the bridge messages.

Pure: no disk, no network, no database (held by `tests/tidy`). A part that needs more than this imports another package,
and that package's `pyproject.toml` says so.
"""
