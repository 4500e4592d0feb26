"""The command line: one file a verb, each a short call of the function that a library user would call.

compare.py   unrolled compare
console.py   how results are printed: tables, notes, JSON
data.py      the sequences that a command's arguments stand for
datasets.py  unrolled datasets
evaluate.py  unrolled evaluate
export.py    unrolled export
finish.py    unrolled finish
info.py      unrolled info
inspect.py   unrolled inspect
main.py      the entry: imports the module of the verb, turns errors into one line and an exit code
options.py   options that several commands have, and those made from the fields of a recipe
predict.py   unrolled predict
reading.py   the bar for reading a large file
recipes.py   unrolled recipes
report.py    unrolled report
runs.py      unrolled runs
serve.py     unrolled serve
stream.py    predict --stream
train.py     unrolled train
tune.py      unrolled tune
verify.py    unrolled verify
watch.py     unrolled watch
watching.py  the progress of several trainings
"""

__all__: list[str] = []
