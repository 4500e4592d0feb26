"""One WebSocket: steps come in, the probabilities after them go out.

    → {"steps": [[0.1, 0.2], [0.3, 0.1]]}
    ← {"step": 2, "label": "a", "probability": 0.81, "probabilities": {"a": 0.81, "b": 0.19}}
    → {"reset": true}
    ← {"step": 0}

The parameters ``window`` and ``reset_every`` of the address make a stream that never ends forget; see `Model.stream`. A
model of windows needs neither.

For a model of text, ``steps`` is a text or a list of its tokens.

The session answers each message before it reads the next one, so no buffer grows if a client does not read.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from unrolled.errors import UnrolledError
from unrolled.serving.access import TOKEN_PROTOCOL
from unrolled.serving.answers import DIGITS, answer, check_finite
from unrolled.serving.batching import BatchQueue
from unrolled.serving.inputs import InputSpec, check_work
from unrolled.serving.logs import log
from unrolled.serving.metrics import Metrics
from unrolled.serving.parsing import beside_the_loop, parse_message
from unrolled.serving.problems import HTTPProblem, over_limit
from unrolled.serving.registry import Registry, Served
from unrolled.serving.settings import ServerSettings

POLICY, TOO_BUSY = 1008, 1013
"""Close codes of RFC 6455 and its registry: a rule was broken; try again later."""


class StreamSession:
    """The stream of one client.

    Args:
        socket: the connection.
        registry: the models.
        settings: the limits.
        queue: its worker computes.
        metrics: counts open streams.
    """

    def __init__(
        self, socket: WebSocket, registry: Registry, settings: ServerSettings, queue: BatchQueue, metrics: Metrics
    ) -> None:
        self.socket, self.registry, self.settings = socket, registry, settings
        self.queue, self.metrics = queue, metrics
        self.seen = 0

    async def serve(self, name: str | None) -> None:
        """Answers until the client goes, breaks a limit, or is silent for too long."""
        # browsers expect one of the subprotocols that they offered; the token itself must not be repeated
        offered = [p for p in self.socket.scope.get("subprotocols", ()) if not p.startswith(TOKEN_PROTOCOL)]
        await self.socket.accept(subprotocol=offered[0] if offered else None)
        if self.metrics.open_streams >= self.settings.max_streams:
            await self._close(TOO_BUSY, f"{self.settings.max_streams} streams are open (limit max_streams)")
            return
        self.metrics.open_streams += 1
        try:
            await self._talk(self.registry.get(name))
        except HTTPProblem as problem:
            await self._say(problem.content)
            await self._close(POLICY, problem.code)
        except TimeoutError:
            await self._close(POLICY, "silent for too long (limit stream_timeout_s)")
        except WebSocketDisconnect:
            pass
        finally:
            self.metrics.open_streams -= 1
            log("stream", steps=self.seen)

    async def _talk(self, served: Served) -> None:
        model = served.model
        window, reset_every = self._number("window"), self._number("reset_every")
        opened = partial(model.stream, window=window, reset_every=reset_every)
        try:
            stream = await self.queue.run_in_time(opened)
        except UnrolledError as error:
            raise HTTPProblem(422, "no_stream", str(error)) from None
        spec = InputSpec.of(model, self.settings)
        while True:
            text = await self._hear()
            steps = await beside_the_loop(len(text), parse_message, text, spec)
            if steps is None:
                stream, self.seen = await self.queue.run_in_time(opened), 0
                await self._say({"step": 0})
                continue
            check_work(served, stream.cost(len(steps)), self.settings)
            try:
                probabilities = await self.queue.run_in_time(stream.push, steps)
            except UnrolledError as error:
                raise HTTPProblem(422, "wrong_steps", str(error)) from None
            self.seen += len(steps)
            rounded = np.asarray(probabilities, np.float64).round(DIGITS)
            check_finite(rounded, "the steps so far")
            await self._say({"step": self.seen, **answer(model, rounded)})

    def _number(self, name: str) -> int | None:
        """A number of steps among the parameters of the address."""
        text = self.socket.query_params.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 9):
            raise HTTPProblem(422, "wrong_query", f"{name} is {text[:20]!r}; expected a number of steps, from 1.")
        if name == "window" and int(text) > self.settings.max_steps:
            raise over_limit(
                422, "too_many_steps", f"the window has {int(text):,} steps", "max_steps", self.settings.max_steps, ""
            )
        return int(text)

    async def _hear(self) -> str:
        """The client's next message."""
        async with asyncio.timeout(self.settings.stream_timeout_s):
            message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if message.get("text") is None:
            raise HTTPProblem(422, "not_text", "expected a text message with JSON, found bytes.")
        return str(message["text"])

    async def _say(self, content: dict[str, Any]) -> None:
        """Sends an answer; waits for a slow client up to the time limit."""
        async with asyncio.timeout(self.settings.stream_timeout_s):
            await self.socket.send_text(orjson.dumps(content).decode())

    async def _close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            if self.socket.application_state is WebSocketState.CONNECTED:
                async with asyncio.timeout(self.settings.stream_timeout_s):
                    await self.socket.close(code, reason[:120])
