"""Files into sequences: one file a format, and in `registry` the table of them."""

from unrolled.data.formats.idx import read_idx_pair
from unrolled.data.formats.registry import read, reader_of
from unrolled.data.formats.ts import read_ts

__all__ = ["read", "read_idx_pair", "read_ts", "reader_of"]
