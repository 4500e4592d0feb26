"""One WebSocket: steps come in, the belief after them goes out.

    → {"steps": [[0.1, 0.2], [0.3, 0.1]]}
    ← {"step": 2, "label": "a", "probability": 0.81, "probabilities": {"a": 0.81, "b": 0.19}}
    → {"reset": true}
    ← {"step": 0}

Of text, ``steps`` is a text or a list of its tokens.

A message is answered before the next one is read, and an answer is sent before the next one is made: a client that
does not read stops being read, so no buffer grows.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import numpy as np
import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from unrolled.errors import UnrolledError
from unrolled.model import Model
from unrolled.serving.batching import BatchQueue
from unrolled.serving.form import Form
from unrolled.serving.gate import TOKEN_PROTOCOL
from unrolled.serving.logs import log
from unrolled.serving.metrics import Metrics
from unrolled.serving.numbers import only_numbers
from unrolled.serving.parsing import parse_json, parse_steps
from unrolled.serving.refusals import Refusal
from unrolled.serving.registry import Registry
from unrolled.serving.settings import ServerSettings
from unrolled.serving.tasks import DIGITS, answer, check_finite

POLICY, TOO_BUSY = 1008, 1013
"""Close codes of RFC 6455 and its registry: a rule was broken; try again later."""


class StreamSession:
    """One client and its state.

    Args:
        socket: the connection.
        registry: the models.
        settings: the limits.
        queue: whose worker computes.
        metrics: counts open streams.
    """

    def __init__(
        self, socket: WebSocket, registry: Registry, settings: ServerSettings, queue: BatchQueue, metrics: Metrics
    ) -> None:
        self.socket, self.registry, self.settings = socket, registry, settings
        self.queue, self.metrics = queue, metrics
        self.seen = 0

    async def serve(self, name: str | None) -> None:
        """Answers until the client goes, breaks a limit, or says nothing for too long."""
        # a browser must be told one of the subprotocols that it offered; the token itself is not repeated
        offered = [p for p in self.socket.scope.get("subprotocols", ()) if not p.startswith(TOKEN_PROTOCOL)]
        await self.socket.accept(subprotocol=offered[0] if offered else None)
        if self.metrics.open_streams >= self.settings.max_streams:
            await self._close(TOO_BUSY, f"{self.settings.max_streams} streams are open (limit max_streams)")
            return
        self.metrics.open_streams += 1
        try:
            await self._talk(self.registry.get(name).model)
        except Refusal as refusal:
            await self._say(refusal.content)
            await self._close(POLICY, refusal.code)
        except TimeoutError:
            await self._close(POLICY, "silent for too long (limit stream_timeout_s)")
        except WebSocketDisconnect:
            pass
        finally:
            self.metrics.open_streams -= 1
            log("stream", steps=self.seen)

    async def _talk(self, model: Model) -> None:
        try:
            stream = await self.queue.run(model.stream)
        except UnrolledError as error:
            raise Refusal(422, "no_stream", str(error)) from None
        form = Form.of(model, self.settings)
        while True:
            text = await self._hear()
            message = parse_json(text)
            if message == {"reset": True}:
                stream, self.seen = await self.queue.run(model.stream), 0
                await self._say({"step": 0})
                continue
            steps = parse_steps(_steps_of(message), form, "the message", only_numbers(text), piece=True)
            try:
                probabilities = await self.queue.run(stream.push, steps)
            except UnrolledError as error:
                raise Refusal(422, "wrong_steps", str(error)) from None
            self.seen += len(steps)
            rounded = np.asarray(probabilities, np.float64).round(DIGITS)
            check_finite(rounded, "the steps so far")
            await self._say({"step": self.seen, **answer(model, rounded)})

    async def _hear(self) -> bytes:
        """The client's next message."""
        async with asyncio.timeout(self.settings.stream_timeout_s):
            message = await self.socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        if message.get("text") is None:
            raise Refusal(422, "not_text", "a message is a text that holds JSON; these were bytes.")
        return str(message["text"]).encode()

    async def _say(self, content: dict[str, Any]) -> None:
        """Sends an answer; waits for a client that reads slowly, though not for ever."""
        async with asyncio.timeout(self.settings.stream_timeout_s):
            await self.socket.send_text(orjson.dumps(content).decode())

    async def _close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
            if self.socket.application_state is WebSocketState.CONNECTED:
                async with asyncio.timeout(self.settings.stream_timeout_s):
                    await self.socket.close(code, reason[:120])


def _steps_of(message: Any) -> Any:
    if isinstance(message, dict) and set(message) == {"steps"}:
        return message["steps"]
    raise Refusal(
        422,
        "wrong_shape",
        'a message is {"steps": [[…], …]} (of text, {"steps": "…"}), or {"reset": true} to begin anew.',
    )
