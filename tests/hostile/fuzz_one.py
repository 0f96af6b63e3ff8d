"""One target under atheris until its time is over: `python -m tests.hostile.fuzz_one TARGET SECONDS FOLDER`. Used by `fuzz.py`."""

# atheris brings no types, and need not be installed:
# mypy: disable-error-code="import-not-found,import-untyped"

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=[
        f"amparo_{name}"
        for name in ("cashu", "common", "credentials", "log", "mint", "purse", "rules", "service", "signer", "wallet")
    ]
):
    from tests.hostile.fuzz_targets import TARGETS

SLOWEST_SECONDS = 20
MOST_MEGABYTES = 1_024
LONGEST = 16_384


def main() -> None:
    """See the module."""
    name, seconds, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    for number, seed in enumerate(TARGETS[name].seeds()):
        (folder / f"{number}").write_bytes(seed[:LONGEST])
    options = [
        f"-max_total_time={seconds}",
        f"-timeout={SLOWEST_SECONDS}",
        f"-rss_limit_mb={MOST_MEGABYTES}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(folder)], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
