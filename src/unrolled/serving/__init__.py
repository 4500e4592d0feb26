"""A model over HTTP, and the page that shows it reading."""

from unrolled.serving.registry import named_paths
from unrolled.serving.server import serve
from unrolled.serving.settings import ServerSettings

__all__ = [
    "ServerSettings",
    "named_paths",
    "serve",
]
