"""The phone apps as files: served, and named in the public log."""
