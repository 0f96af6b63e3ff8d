"""Printing: text and codes to PDF, and every code read back from the rendered page.

Pure: strings in, PDF bytes out. Knows neither people nor tokens nor shops: what the strings mean is the caller's business, and
nothing is kept.
"""
