"""The application: its endpoints, and the way of a request to the model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from unrolled.serving.access import STREAM, AccessMiddleware, FastRoutes
from unrolled.serving.answers import (
    answer,
    answer_judged,
    answer_steps,
    answer_windows,
    check_finite,
    predict,
    predict_judged,
    predict_steps,
    predict_windows,
)
from unrolled.serving.batching import BatchQueue, Work
from unrolled.serving.body import BodyReader
from unrolled.serving.browser import ENTRY, RUNTIME, OnnxFiles
from unrolled.serving.describe import describe_model
from unrolled.serving.inputs import InputSpec, Steps, check_work
from unrolled.serving.metrics import Metrics
from unrolled.serving.page import mount_page
from unrolled.serving.parsing import beside_the_loop, boolean, parse_sequences
from unrolled.serving.problems import HTTPProblem, JSONBytes, over_limit
from unrolled.serving.registry import Registry, Served, probe
from unrolled.serving.schemas import (
    PROBLEMS,
    Examples,
    Health,
    ModelDescription,
    Models,
    Predictions,
    StepPredictions,
    WindowPredictions,
    request_schema,
)
from unrolled.serving.settings import ServerSettings
from unrolled.version import VERSION

Hidden = Annotated[Literal["true", "false"], Query(description="whether the answer has the hidden state")]
Novelty = Annotated[
    Literal["true", "false"], Query(description="whether the answer says how much a sequence is like the training data")
]
ModelName = Annotated[str | None, Query(alias="model", description="a name from /v1/models; by default the first")]


class Service:
    """The objects that the endpoints share.

    Attributes:
        registry: the models.
        settings: the limits.
        metrics: counters for Prometheus.
        queue: requests that wait for the worker thread.
        bodies: reads requests.
        files: the models as ONNX files.
        ready: whether the server takes requests.
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
        """The lifespan of the application; its end waits for the accepted requests."""
        self.queue.start()
        self.ready = True
        try:
            yield
        finally:
            self.ready = False
            await self.queue.stop()

    async def compute(self, request: Request, served: Served, work: Work) -> list[Any]:
        """Reads the sequences of a request and computes the result of each."""
        self.queue.check_room()  # before the body is read: an overloaded server must answer cheaply
        body = await self.bodies.read(request)
        with self.bodies.holding(len(body)):
            spec = InputSpec.of(served.model, self.settings)
            sequences = await beside_the_loop(len(body), parse_sequences, body, spec)
            self._check_work(served, work, sequences)
            found = list(await self.queue.submit(served.model, work, sequences))
        for index, result in enumerate(found):
            check_finite(getattr(result, "probabilities", result), f"sequence {index}")
        return found

    def _check_work(self, served: Served, work: Work, sequences: list[Steps]) -> None:
        """Rejects what would exceed ``max_values`` or ``max_gflop``."""
        model, steps = served.model, sum(map(len, sequences))
        if work is predict_windows:
            rule = model.facts.window
            if rule is None:
                raise HTTPProblem(422, "no_windows", "this model was not trained on windows; ask /v1/predict.")
            steps = sum(rule.steps * (1 + len(sequence) // rule.stride) for sequence in sequences)
        if work is predict_steps:
            values = steps * (len(model.classes) + model.network.output_size)
            read = sum(model.prefix_steps(len(sequence)) for sequence in sequences)
            message = f"the answer would have {values:,} values"
            if read > values:
                message = f"the network would read {read:,} steps, as it reads all of the prefix after each step"
            if max(values, read) > self.settings.max_values:
                advice = "Send fewer or shorter sequences."
                raise over_limit(422, "answer_too_large", message, "max_values", self.settings.max_values, advice)
            steps += read  # the hidden states are computed by themselves
        check_work(served, steps, self.settings)


def create_app(
    registry: Registry,
    settings: ServerSettings | None = None,
    *,
    token: str | None = None,
    runtime: Path | None = None,
    hosts: Collection[str] = (),
) -> FastAPI:
    """The application, for any ASGI server.

    Args:
        registry: the models.
        settings: limits and batching.
        token: that requests must have; None for no token.
        runtime: a folder with onnxruntime-web, see `find_runtime`, with which the page computes in the browser.
        hosts: names under which the server may be reached; empty for any.
    """
    settings = settings or ServerSettings()
    service = Service(registry, settings)
    app = FastAPI(
        title="unrolled",
        version=VERSION,
        description="Labels for whole sequences by recurrent networks.",
        lifespan=service.running,
        docs_url=None,  # these pages load scripts from other servers
        redoc_url=None,
    )
    app.state.service = service
    _add_probes(app, service)
    _add_models(app, service, None if runtime is None else f"{RUNTIME}/{ENTRY}")
    fast = _add_predictions(app, service)
    _add_stream(app, service)
    mount_page(app, runtime)
    app.exception_handler(HTTPException)(_wrong_address)
    app.exception_handler(RequestValidationError)(_wrong_query)
    app.add_middleware(
        AccessMiddleware,
        metrics=service.metrics,
        paths={route.path for route in app.routes if isinstance(route, Route | WebSocketRoute)},
        fast=fast,
        token=token,
        origins=settings.origins,
        hosts=hosts,
    )
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
        )
    return app


def _add_probes(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", tags=["probes"])
    async def healthz() -> Health:
        """Whether the process is alive."""
        return Health(status="ok")

    @app.get("/readyz", tags=["probes"], responses={503: {"model": Health, "description": "Not now."}})
    async def readyz(response: Response) -> Health:
        """Whether the server takes requests."""
        if not service.ready:
            response.status_code = 503
            return Health(status="starting or stopping")
        return Health(status="ok")

    @app.get("/metrics", tags=["probes"], responses={200: {"content": {"text/plain": {}}}}, response_class=Response)
    async def metrics() -> Response:
        """Counters and times of requests, batches and the queue, for Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_models(app: FastAPI, service: Service, runtime: str | None) -> None:
    problems: dict[int | str, dict[str, Any]] = {status: PROBLEMS[status] for status in (401, 404)}

    @app.get("/v1/models", tags=["models"], responses={401: PROBLEMS[401]})
    async def models() -> Models:
        """The names of the models."""
        return Models(models=service.registry.names)

    @app.get("/v1/model", tags=["models"], responses=problems)
    async def model(name: ModelName = None) -> ModelDescription:
        """Classes, channels, layout, version and limits of a model."""
        return describe_model(service.registry.get(name), service.settings, runtime)

    @app.get(
        "/v1/model.onnx",
        tags=["models"],
        responses={200: {"content": {"application/octet-stream": {}}}, **problems},
        response_class=Response,
    )
    async def model_file(name: ModelName = None) -> Response:
        """The model as an ONNX file, to compute elsewhere; the server needs the extra `export`."""
        content = await service.files.get(service.registry.get(name))
        return Response(content, media_type="application/octet-stream")

    @app.get("/v1/examples", tags=["models"], responses=problems, response_model=Examples)
    async def examples(name: ModelName = None) -> Response:
        """The sequences that the model folder keeps."""
        return JSONBytes({"examples": list(service.registry.get(name).model.examples)})


def _add_predictions(app: FastAPI, service: Service) -> FastRoutes:
    """The endpoints for predictions.

    FastAPI knows them for the OpenAPI document. `AccessMiddleware` calls the same functions without FastAPI's routing
    and reading of parameters, which would take longer than all the rest of a request.
    """
    first = service.registry.get().model
    sequence = first.examples[0].sequence if first.examples else probe(first)
    body = request_schema(InputSpec.of(first, service.settings), sequence)

    async def predict_(request: Request, name: ModelName = None, novelty: Novelty = "false") -> Response:
        """Label and probabilities of each sequence, and perhaps how much it is like the training data."""
        del name, novelty  # for the document; the middleware calls without them
        query = request.query_params if request.scope["query_string"] else {}  # parsing takes time
        served = service.registry.get(query.get("model"))
        if boolean(query.get("novelty", "false"), "novelty"):
            if served.model.novelty is None:
                raise HTTPProblem(422, "no_novelty", "this model cannot tell what is unlike its training data.")
            judged = await service.compute(request, served, predict_judged)
            return JSONBytes(
                {"model": served.name, "predictions": [answer_judged(served.model, one) for one in judged]}
            )
        found = await service.compute(request, served, predict)
        return JSONBytes({"model": served.name, "predictions": [answer(served.model, values) for values in found]})

    async def windows(request: Request, name: ModelName = None) -> Response:
        """Label and probabilities of each window of each recording, cut as in the training of a model of windows."""
        del name  # as above
        served = service.registry.get(request.query_params.get("model"))
        found = await service.compute(request, served, predict_windows)
        return JSONBytes({"model": served.name, "predictions": [answer_windows(served.model, one) for one in found]})

    async def steps(request: Request, name: ModelName = None, hidden: Hidden = "true") -> Response:
        """Label and probabilities of each sequence after each of its steps, and the hidden state."""
        del name, hidden  # as above
        served = service.registry.get(request.query_params.get("model"))
        with_hidden = boolean(request.query_params.get("hidden", "true"), "hidden")
        found = await service.compute(request, served, predict_steps)

        def written() -> Response:
            predictions = [answer_steps(served.model, result, with_hidden) for result in found]
            return JSONBytes({"model": served.name, "predictions": predictions})

        return await beside_the_loop(4 * sum(result.hidden.size for result in found), written)

    for path, function, answers in (
        ("/v1/predict", predict_, Predictions),
        ("/v1/predict/steps", steps, StepPredictions),
        ("/v1/predict/windows", windows, WindowPredictions),
    ):
        add = app.post(path, tags=["predictions"], responses=PROBLEMS, openapi_extra=body, response_model=answers)
        add(function)
    return {"/v1/predict": predict_, "/v1/predict/steps": steps, "/v1/predict/windows": windows}


def _add_stream(app: FastAPI, service: Service) -> None:
    from unrolled.serving.streaming import StreamSession

    @app.websocket(STREAM)
    async def stream(socket: WebSocket, name: ModelName = None) -> None:
        await StreamSession(socket, service.registry, service.settings, service.queue, service.metrics).serve(name)


async def _wrong_address(request: Request, error: HTTPException) -> Response:
    """The answer to a path or a method that does not exist."""
    messages = {
        404: "this address does not exist; GET /openapi.json lists those that do.",
        405: f"this address does not take {request.method}; GET /openapi.json lists the methods that it takes.",
    }
    message = messages.get(error.status_code, str(error.detail))
    code = {404: "not_found", 405: "method"}.get(error.status_code, "refused")
    return HTTPProblem(error.status_code, code, message, error.headers).response()


async def _wrong_query(_request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return HTTPProblem(422, "wrong_query", f"{place}: {first['msg']}.").response()
