"""Estimates the parameters of the model for duplicates, on invented people only: `python -m bench.train_duplicates`.

How often two records of one person agree is counted on pairs whose truth is known, how often two people's do on random pairs;
Splink does both. The seed is fixed, so the file in the package can be made again and compared.
"""

import logging
import warnings
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
from splink import DuckDBAPI, Linker

from amparo_office.duplicates.finding import in_memory, load
from amparo_office.duplicates.model import COMPARISONS, Model, Weight, settings
from bench.made_people import Person, as_compared, registrations
from bench.report import arguments

PEOPLE, SEED, PAIRS = 60_000, 20_261_122, 3e6
# Two records of a register are one person this often before anything is compared; found when this sure.
PRIOR, THRESHOLD = 2e-6, 0.5
LEAST = 1e-6
# What invented people do not teach: somebody has two papers of one kind, relatives and neighbours share a telephone.
LEAST_ONE_PERSON, LEAST_TWO_PEOPLE = 0.01, {"telephone": 2e-4, "papers": 2e-6, "head": 5e-5}
FILE = Path(__file__).resolve().parents[1] / "packages/office/src/amparo_office/duplicates/model.json"


def main() -> None:
    """The command."""
    parser = arguments("Estimate the published parameters for finding duplicates.")
    parser.add_argument("--write", action="store_true", help="into the package")
    given = parser.parse_args()
    text = msgspec.json.format(msgspec.json.encode(trained(registrations(PEOPLE, seed=SEED))), indent=1).decode() + "\n"
    if given.write:
        FILE.write_text(text, encoding="utf-8")
    else:
        print(text)


def trained(people: list[Person]) -> Model:
    """The model as these people teach it."""
    logging.getLogger("splink").setLevel(logging.ERROR)
    connection = in_memory(2048)
    load(connection, as_compared(people), set())
    truths = pa.table({"number": range(1, len(people) + 1), "truth": [each.truth for each in people]})
    connection.register("truths", truths)
    connection.execute("CREATE TABLE labelled AS SELECT * FROM person JOIN truths USING (number)")
    api = DuckDBAPI(connection)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        linker = Linker(api.register("labelled"), settings(None), log_level=None)
        linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=SEED, min_count_per_level=None)
        linker.training.estimate_m_from_label_column("truth")
        said: dict[str, Any] = linker.misc.save_model_to_json()
    found = {each["output_column_name"]: each["comparison_levels"] for each in said["comparisons"]}
    return Model(
        made=(
            f"python -m bench.train_duplicates: {PEOPLE} invented registrations (bench/made_people.py, seed {SEED}), known truth"
            f" for pairs of one person, {PAIRS:g} random pairs for two people; prior, threshold and least values set by hand"
        ),
        prior=PRIOR,
        threshold=THRESHOLD,
        weights={each.kind: _weights(each.kind, found[each.kind]) for each in COMPARISONS},
    )


def _weights(kind: str, levels: list[dict[str, Any]]) -> dict[str, Weight]:
    least = LEAST_TWO_PEOPLE.get(kind, LEAST)
    return {
        level["label_for_charts"]: Weight(
            round(max(level.get("m_probability") or 0.0, LEAST_ONE_PERSON), 7),
            round(max(level.get("u_probability") or 0.0, least), 7),
        )
        for level in levels
        if not level.get("is_null_level")
    }


if __name__ == "__main__":
    main()
