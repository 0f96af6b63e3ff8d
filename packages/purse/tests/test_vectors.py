"""The vectors that the phone apps are held to are what Python makes."""

import pytest
from tools import vectors


@pytest.mark.parametrize("name", vectors.FILES)
def test_a_committed_file_of_vectors_is_what_python_makes(name: str) -> None:
    assert (vectors.FOLDER / f"{name}.json").read_text() == vectors.render(name), "run python tools/vectors.py"


def test_what_was_changed_is_partly_refused_and_partly_read() -> None:
    for changed in (vectors.tokens()["changed"], vectors.requests()["changed_a"], vectors.requests()["changed_b"]):
        refused = [vector for vector in changed if "error" in vector]
        assert 0 < len(refused) < len(changed)
    locks = [vector.get("lock", vector.get("error")) for vector in vectors.conditions()["vectors"]]
    assert {str(each) for each in locks} >= {"None", "token.malformed", "token.bad_point"}
    assert any(isinstance(each, dict) for each in locks)
