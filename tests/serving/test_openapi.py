"""A client that nobody here wrote reads the OpenAPI document and asks whatever it says may be asked."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from unrolled.experiment import Run
from unrolled.serving.app import create_app
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings


@pytest.fixture(scope="module")
def document(digits_run: Run, bits_run: Run) -> Any:
    """The server's own description, bound to the application."""
    registry = Registry({"digits": digits_run.folder.path, "bits": bits_run.folder.path})
    app = create_app(registry, ServerSettings(max_steps=8, max_sequences=3))
    return schemathesis.openapi.from_asgi("/openapi.json", app)


schema = schemathesis.pytest.from_fixture("document")


@schema.parametrize()
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_nothing_that_the_document_allows_or_forbids_makes_the_server_stumble(case: Any) -> None:
    case.call_and_validate(checks=[not_a_server_error, content_type_conformance, response_schema_conformance])
