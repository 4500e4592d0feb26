"""A client that nobody here wrote reads the OpenAPI document and asks whatever it says may be asked, and may not."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

pytestmark = pytest.mark.slow

CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def document(server: Any) -> Any:
    """The server's own description."""
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_that_the_document_allows_or_forbids_makes_the_server_stumble(document: Any, mode: Any) -> None:
    seen = set()
    for operation in (found.ok() for found in document.get_all_operations()):

        @settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        if mode is GenerationMode.POSITIVE or operation.body:
            ask()
        seen.add(operation.path)
    assert {"/v1/predict", "/v1/predict/steps", "/v1/model", "/metrics"} <= seen
