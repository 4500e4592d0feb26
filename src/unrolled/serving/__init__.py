"""A model over HTTP, and the page that shows it reading."""

from unrolled.serving.serve import named_paths, serve
from unrolled.serving.settings import ServerSettings

__all__ = [
    "ServerSettings",
    "named_paths",
    "serve",
]
