"""The `amparo` command."""


def main() -> None:
    """Run it."""
