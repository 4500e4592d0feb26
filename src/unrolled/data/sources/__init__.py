"""Named data: generated, shipped, or fetched and verified; `registry` is the table of them."""

from unrolled.data.sources.fetch import cache_folder, data_folder
from unrolled.data.sources.registry import OPTIONS_OF_NAMED_DATA, SOURCE_OPTIONS, SOURCES, Source

__all__ = ["OPTIONS_OF_NAMED_DATA", "SOURCES", "SOURCE_OPTIONS", "Source", "cache_folder", "data_folder"]
