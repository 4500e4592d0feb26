"""Files into sequences: one file a format.

registry     the table of formats, and the format of a file
content      the first bytes of a file: its format, or that it is no data
dialect      how a text table is written, and its lines as plain rows
sniffing     the dialect, from the first lines:
first_lines  comments, and what else stands in front of the rows
delimiters   what separates the cells
decimals     how the numbers are written
headers      what names the columns, and the row of units
rows         lines split into rows of cells, and what the cells look like
writers      what programs write into numbers and lines
blocks       blocks of lines, each a sequence
ragged       rows of unequal length, each a list
delimited    CSV and TSV, as tables
parquet      Parquet, as tables
json_lines   JSON Lines: an object a sequence
text_lines   text: a label and a text a line
ts           .ts of the UEA/UCR archive
arff         .arff of Weka
npy, npz     NumPy's arrays
idx          MNIST's arrays
file_sets    the files of a folder or a pattern, their ids and labels
many_files   sets of files: a file a sequence, a file a class, or parts of one data set
picture_folders  pictures: a folder a class, or one to predict
pictures     one picture file as grey values
data_frames  data frames in memory
table_files  any table into sequences, by the roles of its columns

npy.py  .npy, and what .npz shares with it
"""

from unrolled.data.formats.data_frames import frame_is_like
from unrolled.data.formats.file_sets import is_pattern, pattern_of
from unrolled.data.formats.idx import read_idx_pair
from unrolled.data.formats.picture_folders import picture_facts
from unrolled.data.formats.registry import read, read_recordings, reader_of

__all__ = [
    "frame_is_like",
    "is_pattern",
    "pattern_of",
    "picture_facts",
    "read",
    "read_idx_pair",
    "read_recordings",
    "reader_of",
]
