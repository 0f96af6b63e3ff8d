"""Whatever is sent to a mint, made from its description or against it, the answer fits the description and is no failure.

What schemathesis looks for here: no status of 500 or above but a declared 503; no undeclared status, content type or header; every
answer's body as declared; and nothing accepted that the description forbids. The operator's addresses are tried as a stranger
tries them, without the operator's token: a backup may be written to any path.
"""

import copy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.faults.mint.stories import live
from tests.faults.mint.town import PERIOD, Town
from tests.hostile.description import DESCRIPTION, described, operations
from tests.hostile.samples import good_requests

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
REJECTED = [400, 403, 404, 413]
EXAMPLES = 20
MANY_EXAMPLES = 400


@pytest.fixture(scope="module")
def bodies(full_town: Town) -> dict[str, Any]:
    """A good body for each address that takes one of wallets and tills."""
    return live(full_town, good_requests, prove=False)


@pytest.fixture(scope="module")
def api(full_town: Town, bodies: dict[str, Any]) -> Any:
    """The description of the running mint, which has a keyset of food."""
    assert bodies
    return described_by(schemathesis.openapi.from_path, DESCRIPTION, full_town)


def test_the_description_is_one_of_openapi(api: Any) -> None:
    api.validate()
    assert api.specification.version.startswith("3.1")


def test_good_requests_and_their_answers_fit_the_description(api: Any, bodies: dict[str, Any]) -> None:
    for path, body in bodies.items():
        case = api[path]["POST"].Case(body=body, media_type="application/json")
        answer = case.call_and_validate(checks=CHECKS)
        assert answer.status_code == 200, (path, answer.text)


def test_the_operators_good_requests_fit_the_description(api: Any) -> None:
    headers = {"authorization": "Bearer " + "operator" * 6}
    asked = {"/operate/keysets": {"unit": "tools", "period": PERIOD}, "/operate/figures": {"period": PERIOD}}
    for path, body in asked.items():
        case = api[path]["POST"].Case(body=body, media_type="application/json", headers=headers)
        assert case.call_and_validate(checks=CHECKS).status_code == 200
    assert api["/metrics"]["GET"].Case(headers=headers).call_and_validate(checks=CHECKS).status_code == 200


@pytest.mark.parametrize(("path", "method"), operations())
def test_whatever_is_sent_the_answer_fits_the_description(api: Any, path: str, method: str) -> None:
    assert answers_fit(api[path][method], EXAMPLES)


@pytest.mark.faults
@pytest.mark.parametrize(("path", "method"), operations())
def test_whatever_is_sent_many_times_the_answer_fits_the_description(api: Any, path: str, method: str) -> None:
    sent = answers_fit(api[path][method], MANY_EXAMPLES)
    print(f"{method} {path}: {sent} requests")
    assert sent


def test_an_answer_that_is_not_declared_is_found(full_town: Town) -> None:
    told: Any = copy.deepcopy(described())
    del told["paths"]["/v1/swap"]["post"]["responses"]["400"]
    del told["components"]["schemas"]["CheckStateAnswer"]["properties"]["states"]
    told["components"]["schemas"]["CheckStateAnswer"]["required"] = ["answers"]
    for path, fault in (("/v1/swap", "Undocumented status code"), ("/v1/checkstate", "Response violates schema")):
        api = described_by(schemathesis.openapi.from_dict, told, full_town)
        with pytest.raises(FailureGroup, match="Schemathesis found") as found:
            api[path]["POST"].Case(body={"Ys": []}, media_type="application/json").call_and_validate(checks=CHECKS)
        assert [each.title for each in found.value.exceptions] == [fault]


def described_by(read: Any, what: Any, town: Town) -> Any:
    """A description of the running mint, by which every refusal of what it forbids is one of `REJECTED`."""
    rejected = {"negative_data_rejection": {"expected-statuses": REJECTED}}
    api = read(what, config=SchemathesisConfig.from_dict({"checks": rejected}))
    api.config.update(base_url=f"http://127.0.0.1:{town.port}")
    return api


def answers_fit(operation: Any, examples: int) -> int:
    """Send what fits an operation's description, and what does not; how many requests that were. Raises what schemathesis finds."""
    sent = 0
    takes_something = operation.body or operation.path_parameters
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE) if takes_something else (GenerationMode.POSITIVE,):

        @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            nonlocal sent
            sent += 1
            case.call_and_validate(checks=CHECKS)

        send()
    return sent
