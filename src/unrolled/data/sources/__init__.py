"""Named data, and the source of their files.

registry    the table of named data
digits      scikit-learn's digits: shipped
count_ones  strings of bits: generated
mnist       MNIST by rows and by pixels: downloaded
uea         problems of the UEA/UCR archive: downloaded
fetch       a file from the user's folder, the cache, or a mirror
download    one file from the web, by pooch
content     the expected content of a file, verified while it is unpacked
"""

from unrolled.data.sources.fetch import cache_folder, data_folder
from unrolled.data.sources.registry import OPTIONS_OF_NAMED_DATA, SOURCE_OPTIONS, SOURCES, Source

__all__ = ["OPTIONS_OF_NAMED_DATA", "SOURCES", "SOURCE_OPTIONS", "Source", "cache_folder", "data_folder"]
