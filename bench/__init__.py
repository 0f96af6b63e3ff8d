"""Each performance claim as one command: `python -m bench.NAME`. Ratios of one run; no test waits for a time."""
