"""The labelled FEBRL sets: fetched on first use, never kept here."""
