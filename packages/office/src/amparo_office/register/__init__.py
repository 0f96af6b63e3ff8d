"""The register: people and households, identity sealed apart from facts, one guarded way to read."""
