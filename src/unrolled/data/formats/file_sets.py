"""Many files as one set: a folder, a folder with a folder for each class, or a pattern such as ``rec/*.csv``.

The id of a file is its name. Files in folders of their own have the folder's name as their label. Hidden files are
skipped, and other files with a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from glob import has_magic
from pathlib import Path

import numpy as np

from unrolled.data.files import Request, reading
from unrolled.data.labels import missing_labels
from unrolled.data.sequences import Sequences
from unrolled.data.tables import all_known, ordered
from unrolled.errors import ConfigError, ReadError

_NUMBER_AT_END = re.compile(r"[\s_\-.]*\(?\d+\)?$")
_AND = "|"
"""Between the patterns of which several files fit one."""
_LONGEST_NAME, _LONGEST_PATH = 255, 4000
_FILES_A_CLASS = 2
"""Files of a class, on the average, that show that files are named after their classes."""


@dataclass(frozen=True)
class FileSet:
    """The files of a set.

    Attributes:
        paths: the files.
        ids: the id of each.
        labels: the label of each; None if their places do not say it.
        endings: how their names end.
    """

    paths: list[Path]
    ids: list[str]
    labels: list[str] | None
    endings: tuple[str, ...]

    def label(self, sequences: Sequences, request: Request) -> Sequences:
        """The sequences, one a file, with the labels of the files."""
        if self.labels is None or not all_known(missing_labels(np.array(self.labels)), request):
            return sequences
        return labelled(sequences, self.labels)


def is_pattern(path: Path) -> bool:
    """Whether a path is a pattern of names, and not the name of a file."""
    return (has_magic(str(path)) or _AND in str(path)) and not path.exists()


def pattern_of(paths: Iterable[str]) -> str:
    """One path, the pattern that fits several files, as a shell has expanded it, or their names with bars between.

    Raises:
        ConfigError: for so many files that one pattern does not fit.
    """
    names = sorted({str(Path(path)) for path in paths})
    if len(names) == 1:
        return names[0]
    front, back = _common(names), _common([name[::-1] for name in names])[::-1]
    back = back[max(len(front) + len(back) - min(map(len, names)), 0) :]
    inside = {name[len(front) : len(name) - len(back)].count("/") for name in names}
    pattern = f"{front}{'/'.join(['*'] * (max(inside) + 1))}{back}"
    if len(inside) == 1 and [str(path) for path in _matching(Path(pattern))] == names:
        return pattern
    pattern = _AND.join(names)
    if len(pattern) > _LONGEST_PATH or max(map(len, pattern.split("/"))) > _LONGEST_NAME:
        raise ConfigError(
            f"found {len(names)} files, from {names[0]} to {names[-1]}, which one pattern does not fit; expected one "
            "file, a folder, or a pattern. Put them into a folder, and name that."
        )
    return pattern


def _matching(pattern: Path) -> list[Path]:
    """The files that fit a pattern, in the order of their names."""
    found: list[Path] = []
    for each in map(Path, str(pattern).split(_AND)):
        base = Path(each.anchor) if each.is_absolute() else Path()
        found += base.glob(str(each.relative_to(each.anchor))) if has_magic(str(each)) else [each]
    return sorted((path for path in found if not path.name.startswith(".") and not path.is_dir()), key=str)


def _common(names: Sequence[str]) -> str:
    least, greatest = min(names), max(names)
    return least[: next((i for i, (a, b) in enumerate(zip(least, greatest, strict=False)) if a != b), len(least))]


def holds(root: Path, endings: tuple[str, ...]) -> bool:
    """Whether a folder or one of its folders holds a file with one of these endings."""
    if not root.is_dir():
        return False
    with reading(root):
        entries = list(root.iterdir())
        inner = (file for entry in entries if _is_class(entry) for file in entry.iterdir())
        return any(_fits(entry, endings) for entry in entries) or any(_fits(file, endings) for file in inner)


def find_files(request: Request, *alternatives: tuple[str, ...]) -> FileSet:
    """The files of a folder or pattern.

    Args:
        request: names the folder or the pattern, and the source of labels.
        alternatives: endings of the files; the first of which there are files are taken.
    Raises:
        ReadError: for a folder without such files, and files beside the folders of classes.
    """
    root = request.path
    if is_pattern(root):
        found = _matching(root)
        if not found:
            raise ReadError(root, "no file fits this pattern. Check the path.")
        folders = [path.parent.name for path in found]
        if len(set(folders)) > 1 and request.config.label_from in (None, "folder"):
            return FileSet(found, [f"{path.parent.name}/{path.name}" for path in found], folders, ())
        return _named(request, FileSet(found, [path.name for path in found], None, ()))
    endings = next((each for each in alternatives if holds(root, each)), alternatives[0])
    with reading(root):
        inside = sorted(root.iterdir())
        classes = [entry for entry in inside if _is_class(entry)]
        files = [(folder.name, file) for folder in classes for file in sorted(folder.iterdir())]
    loose = [entry for entry in inside if _fits(entry, endings)]
    chosen = [(label, file) for label, file in files if _fits(file, endings)]
    what = endings[0]
    if chosen and loose:
        raise ReadError(
            root, f"{loose[0].name} is beside the folders of the classes; expected every {what} file in one of them."
        )
    if not chosen and not loose:
        raise ReadError(root, f"there is no {what} file in it; expected FOLDER/CLASS/*{what}.")
    empty = [folder.name for folder in classes if chosen and folder.name not in {label for label, _ in chosen}]
    if empty:
        request.note(f"the folder {empty[0]!r} holds no {what} file, so it is not a class")
    others = sum(not _fits(file, endings) and not file.name.startswith(".") for _, file in files)
    if others:
        request.note(f"{others:,} files that are not {what} files are skipped")
    if loose:
        return _named(request, FileSet(loose, [file.name for file in loose], None, endings))
    ids = [f"{label}/{file.name}" for label, file in chosen]
    return _named(request, FileSet([file for _, file in chosen], ids, [label for label, _ in chosen], endings))


def label_of_name(path: Path) -> str:
    """The label that a file's name holds: the name without its ending and the number before it."""
    stem = path.name.split(".")[0] or path.name
    return _NUMBER_AT_END.sub("", stem) or stem


def label_by_names(files: FileSet, request: Request, *, asked: bool = False) -> list[str] | None:
    """The labels that names of files without labels hold; None if they hold none.

    Args:
        files: each a sequence.
        request: says whether a user, or an earlier file, took labels from names.
        asked: whether the user asked for it.
    """
    labels = list(map(label_of_name, files.paths))
    likely = 1 < len(set(labels)) <= len(labels) / _FILES_A_CLASS and not request.like
    if not asked and not likely:
        return None
    request.note(
        f"the names of the files without their numbers are the labels, such as {labels[0]!r} (--label-from file)"
    )
    return labels


def labelled(sequences: Sequences, labels: list[str]) -> Sequences:
    """The sequences with other labels."""
    indices, classes = ordered(labels)
    return replace(sequences, labels=np.array(indices, np.int64), classes=classes, step_labels=None)


def labelled_by(sequences: Sequences, request: Request) -> Sequences:
    """The sequences of one file with the labels that its name, its folder or their order gives, if an option says so.

    Raises:
        ReadError: for an order that does not go up.
    """
    source, path = request.config.label_from, request.path
    if source is None:
        return sequences
    if source in ("file", "folder"):
        name = label_of_name(path) if source == "file" else path.resolve().parent.name
        return labelled(sequences, [name] * len(sequences))
    each = int(source)
    if len(sequences) % each:
        if not request.labels_needed:
            return sequences
        raise ReadError(
            path,
            f"found {len(sequences):,} sequences; expected a multiple of {each}, the sequences of each class "
            "(--label-from).",
        )
    return labelled(sequences, [str(index // each + 1) for index in range(len(sequences))])


def _named(request: Request, files: FileSet) -> FileSet:
    """The files with the labels that the user asked for."""
    source = request.config.label_from or request.like.get("label_from")
    if source == "file":
        return replace(files, labels=label_by_names(files, request, asked=True))
    if source == "folder":
        return replace(files, labels=[path.resolve().parent.name for path in files.paths])
    return files


def _is_class(entry: Path) -> bool:
    return entry.is_dir() and not entry.name.startswith(".")


def _fits(entry: Path, endings: tuple[str, ...]) -> bool:
    return entry.name.lower().endswith(endings) and not entry.name.startswith(".") and entry.is_file()
