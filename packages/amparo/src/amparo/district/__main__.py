"""Fills a desk's folder: `python -m amparo.district --data FOLDER --practice-clock FILE`. Prints what is there as JSON."""

import argparse
import sys
from pathlib import Path

import msgspec

from amparo_common.errors import AmparoError
from amparo_office.desk import start
from amparo_service.practice_clock import PracticeClock
from amparo_service.serve import ServiceArguments, exit_with_words


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amparo.district", description="An invented district for the desk.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--practice-clock", type=Path, required=True)
    parser.add_argument("--households", type=int, default=240)
    given = parser.parse_args()
    try:
        start.prepare(ServiceArguments(given.data, "", 0, given.practice_clock))
        start.migrate()
        # Django's models can be imported only now.
        from amparo.district.build import build

        found = build(
            given.data,
            count=given.households,
            at=PracticeClock(given.practice_clock).now(),
            progress=lambda _done: None,
        )
    except AmparoError as error:
        exit_with_words(error)
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")


if __name__ == "__main__":
    main()
