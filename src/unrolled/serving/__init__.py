"""A model over HTTP, and the page that shows it reading.

access.py     host, token and origin of every request, its metrics and log line
answers.py    computations for a batch of sequences, and the form of their answers
app.py        the endpoints, and the way of a request to the model
batching.py   the queue: requests that arrive together are computed together; refusal when it is full
body.py       reading the body of a request, with limits in bytes and time
browser.py    files with which a browser computes: ONNX, onnxruntime-web
describe.py   the answer of GET /v1/model
inputs.py     the sequences that a model takes, within the limits of a server
logs.py       log lines for programs, one JSON object per line
metrics.py    counters of a server, in the format of Prometheus
numbers.py    one sequence of numbers from JSON values, or an error that names the place
offline.py    `export_html`: the page as one file that needs no server
parsing.py    from the bytes of a request to sequences that fit the model
problems.py   every answer with an error, in one form
registry.py   the models of a server by name, and how they are loaded again
schemas.py    the schemas of requests and answers, for the OpenAPI document
serve.py      `serve`, the door of the room
server.py     the process of a server: its settings, socket and signals
settings.py   limits and batching; each field is also an option
streaming.py  one WebSocket: steps come in, probabilities go out
"""

from unrolled.serving.offline import ExportedPage, export_html
from unrolled.serving.serve import named_paths, serve
from unrolled.serving.settings import ServerSettings

__all__ = [
    "ExportedPage",
    "ServerSettings",
    "export_html",
    "named_paths",
    "serve",
]
