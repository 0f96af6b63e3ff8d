"""Eligibility rules: a small typed language that means the same everywhere, and the receipts that prove its decisions.

Pure: no disk, no network, no database of its own (DuckDB is used in memory, with its doors locked). Knows facts and
households, never names, tokens or shops. The language: `docs/formats/rule-file.md`; receipts: `docs/formats/receipt.md`.
"""
