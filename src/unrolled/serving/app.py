"""The application: which address does what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from unrolled.serving.batching import BatchQueue, Task
from unrolled.serving.body import BodyReader
from unrolled.serving.browser import ENTRY, RUNTIME, OnnxFiles
from unrolled.serving.describe import describe_model
from unrolled.serving.form import Form, Steps
from unrolled.serving.gate import STREAM, Gate, Lean, internal_error
from unrolled.serving.metrics import Metrics
from unrolled.serving.page import mount_page
from unrolled.serving.parsing import boolean, parse_sequences
from unrolled.serving.refusals import JSONBytes, Refusal, over_limit
from unrolled.serving.registry import Registry, Served, probe
from unrolled.serving.schemas import (
    HIDDEN_PARAMETER,
    MODEL_PARAMETER,
    PREDICTIONS,
    READINGS,
    REFUSALS,
    Examples,
    Health,
    ModelDescription,
    Models,
    request_schema,
)
from unrolled.serving.settings import ServerSettings
from unrolled.serving.tasks import Reading, answer, answer_steps, check_finite, predict, read
from unrolled.version import VERSION

ModelName = Annotated[str | None, Query(alias="model", description="a name from /v1/models; by default the first")]

_PARSED_ON_THE_LOOP = 64 * 1024
"""Bodies over so many bytes are parsed in a thread: until they are, the event loop would serve nobody else."""


class Service:
    """What the endpoints share.

    Attributes:
        registry: the models.
        settings: the limits.
        metrics: the figures.
        queue: the way to the worker.
        bodies: reads requests.
        files: the models as ONNX files.
        ready: whether requests are taken.
    """

    def __init__(self, registry: Registry, settings: ServerSettings) -> None:
        self.registry, self.settings = registry, settings
        self.metrics = Metrics()
        self.queue = BatchQueue(settings, self.metrics)
        self.bodies = BodyReader(settings)
        self.files = OnnxFiles()
        self.ready = False

    @asynccontextmanager
    async def running(self, _app: FastAPI) -> AsyncIterator[None]:
        """From the start to the end of the process; the end waits for what was accepted."""
        self.queue.start()
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            await self.queue.stop()

    async def compute(self, request: Request, served: Served, task: Task) -> list[Any]:
        """Reads a request's sequences and computes a task: the result of each."""
        self.queue.check_room()  # before the work of reading: who is overrun must refuse for little
        body = await self.bodies.read(request)
        with self.bodies.holding(len(body)):
            form = Form.of(served.model, self.settings)
            if len(body) <= _PARSED_ON_THE_LOOP:
                sequences = parse_sequences(body, form)
            else:
                sequences = await asyncio.to_thread(parse_sequences, body, form)
            self._check_task(served, task, sequences)
            found = list(await self.queue.submit(served.model, task, sequences))
        for index, result in enumerate(found):
            check_finite(result.probabilities if isinstance(result, Reading) else result, f"sequence {index}")
        return found

    def _check_task(self, served: Served, task: Task, sequences: list[Steps]) -> None:
        """Refuses readings whose answer or computation would exceed ``max_values``."""
        if task is not read:
            return
        model, steps = served.model, sum(map(len, sequences))
        values = steps * (len(model.classes) + model.network.output_size)
        steps_read = sum(model.prefix_steps(len(sequence)) for sequence in sequences)
        if max(values, steps_read) > self.settings.max_values:
            work = f"the answer would take {values:,} numbers"
            if steps_read > values:
                work = f"the network would read {steps_read:,} steps, since it reads the sequence anew after each step"
            raise over_limit(
                422,
                "answer_too_large",
                work,
                "max_values",
                self.settings.max_values,
                "Send fewer or shorter sequences.",
            )


class GatedApp(FastAPI):
    """An application whose requests all come through what stands before it: `Gate`, and CORS where it is asked for."""

    before: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        await self.before(scope, receive, send)

    async def behind(self, scope: Scope, receive: Receive, send: Send) -> None:
        """FastAPI's own way in."""
        await super().__call__(scope, receive, send)


def create_app(
    registry: Registry,
    settings: ServerSettings | None = None,
    *,
    token: str | None = None,
    runtime: Path | None = None,
) -> GatedApp:
    """The application, for any ASGI server.

    Args:
        registry: the models.
        settings: limits and batching.
        token: that requests must bear; None for none.
        runtime: a folder with onnxruntime-web, see `find_runtime`: then the page computes by itself.
    """
    settings = settings or ServerSettings()
    service = Service(registry, settings)
    app = GatedApp(
        title="unrolled",
        version=VERSION,
        description="Labels for whole sequences by recurrent networks.",
        lifespan=service.running,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.service = service
    _add_probes(app, service)
    _add_models(app, service, None if runtime is None else f"{RUNTIME}/{ENTRY}")
    lean = _add_predictions(app, service)
    _add_stream(app, service)
    mount_page(app, runtime)
    app.add_exception_handler(HTTPException, _refuse_address)
    app.add_exception_handler(RequestValidationError, _refuse_query)
    app.add_exception_handler(Refusal, _refuse)
    app.add_exception_handler(Exception, _admit)  # the gate is told of it, too
    app.before = Gate(app.behind, service.metrics, token, settings.origins, lean)
    if settings.origins:
        app.before = CORSMiddleware(
            app.before,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
    return app


def _add_probes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["probes"])
    async def healthz() -> Health:
        """Whether the process answers."""
        return Health(status="ok")

    @app.get("/readyz", tags=["probes"], responses={503: {"model": Health, "description": "Not now."}})
    async def readyz(response: Response) -> Health:
        """Whether requests are taken."""
        if not service.ready:
            response.status_code = 503
            return Health(status="starting or stopping")
        return Health(status="ok")

    @app.get("/metrics", tags=["probes"], responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    async def metrics() -> Response:
        """Requests, their time, batches and the queue, as Prometheus reads them."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_models(app: FastAPI, service: Service, runtime: str | None) -> None:
    refusals: dict[int | str, dict[str, Any]] = {status: REFUSALS[status] for status in (401, 404)}

    @app.get("/v1/models", tags=["models"], responses={401: REFUSALS[401]})
    async def models() -> Models:
        """The names of the models."""
        return Models(models=service.registry.names)

    @app.get("/v1/model", tags=["models"], responses=refusals)
    async def model(name: ModelName = None) -> ModelDescription:
        """Classes, channels, layout, version and limits of a model."""
        return describe_model(service.registry.get(name), service.settings, runtime)

    @app.get(
        "/v1/model.onnx",
        tags=["models"],
        responses={200: {"content": {"application/octet-stream": {}}}, **refusals},
        response_class=Response,
    )
    async def model_file(name: ModelName = None) -> Response:
        """The model as an ONNX file, to compute elsewhere; needs the extra `export` where the server runs."""
        content = await service.files.get(service.registry.get(name))
        return Response(content, media_type="application/octet-stream")

    @app.get("/v1/examples", tags=["models"], responses=refusals, response_model=Examples)
    async def examples(name: ModelName = None) -> Response:
        """The sequences that travel with a model."""
        return JSONBytes({"examples": list(service.registry.get(name).model.examples)})


def _add_predictions(app: FastAPI, service: Service) -> Lean:
    """The two endpoints that everything else is there for.

    They are declared here for the OpenAPI document. The `Gate` calls the same functions past FastAPI's routing
    and reading of parameters, which would take longer than all the rest of a request.
    """
    first = service.registry.get().model
    sequence = first.examples[0].sequence if first.examples else probe(first)
    body = request_schema(Form.of(first, service.settings), sequence)

    async def predict_(request: Request) -> Response:
        """Label and probabilities of each sequence."""
        # without a query there is nothing to take apart
        name = request.query_params.get("model") if request.scope["query_string"] else None
        served = service.registry.get(name)
        found = await service.compute(request, served, predict)
        return JSONBytes({"model": served.name, "predictions": [answer(served.model, values) for values in found]})

    async def steps(request: Request) -> Response:
        """Label and probabilities of each sequence after each of its steps, and the hidden state."""
        served = service.registry.get(request.query_params.get("model"))
        hidden = boolean(request.query_params.get("hidden", "true"), "hidden")
        found = await service.compute(request, served, read)
        predictions = [answer_steps(served.model, reading, hidden) for reading in found]
        return JSONBytes({"model": served.name, "predictions": predictions})

    for path, function, schema, parameters in (
        ("/v1/predict", predict_, PREDICTIONS, [MODEL_PARAMETER]),
        ("/v1/predict/steps", steps, READINGS, [MODEL_PARAMETER, HIDDEN_PARAMETER]),
    ):
        answers = {200: {"content": {"application/json": {"schema": schema}}}, **REFUSALS}
        app.post(
            path,
            tags=["predictions"],
            responses=answers,
            openapi_extra={**body, "parameters": parameters},
            response_class=JSONBytes,
        )(function)
    return {"/v1/predict": predict_, "/v1/predict/steps": steps}


def _add_stream(app: FastAPI, service: Service) -> None:
    from unrolled.serving.streaming import StreamSession

    @app.websocket(STREAM)
    async def stream(socket: WebSocket, name: ModelName = None) -> None:
        await StreamSession(socket, service.registry, service.settings, service.queue, service.metrics).serve(name)


async def _refuse(_request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)  # noqa: S101  # for the type checker
    return refusal.response()


async def _admit(_request: Request, _error: Exception) -> Response:
    return internal_error().response()


async def _refuse_address(request: Request, error: Exception) -> Response:
    """An address or a method that is not there."""
    assert isinstance(error, HTTPException)  # noqa: S101  # for the type checker
    messages = {
        404: "there is nothing at this address; GET /openapi.json lists what is there.",
        405: f"{request.method} is not taken at this address; GET /openapi.json says what is.",
    }
    message = messages.get(error.status_code, str(error.detail))
    code = {404: "not_found", 405: "method"}.get(error.status_code, "refused")
    return Refusal(error.status_code, code, message, error.headers).response()


async def _refuse_query(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return Refusal(422, "wrong_query", f"{place}: {first['msg']}.").response()
