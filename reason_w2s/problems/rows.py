"""The rows a source reads: a local file's or the hub's, and the slice of them that is asked for.

`split: train[100:200]` and `train[:10%]` mean what they mean in `datasets`, for files as well; a
row keeps its number in the whole split, so a slice changes no id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from reason_w2s.problems import hub
from reason_w2s.problems.files import read
from reason_w2s.problems.spec import SPLIT, ProblemSpec


class Numbered(NamedTuple):
    """A row, its number in the whole split (from 0), and where it stands, for messages."""

    number: int
    place: str
    row: dict[str, Any]


def split_name(spec: ProblemSpec) -> str:
    """The split without its slice."""
    return spec.split.partition("[")[0]


def numbered(
    spec: ProblemSpec, *, path: str | None, names: Sequence[str | None], columns: str
) -> Iterator[Numbered]:
    """The rows of `spec.file`, or of the set `path` on the hub, all its configurations in turn.

    columns: what the rows should have, for the message where the hub cannot be reached.

    Raises:
        DataError: the file or set cannot be read.
    """
    split = split_name(spec)
    tables: list[Sequence[dict[str, Any]]]
    if spec.file is not None:
        place, tables = spec.file, [list(read(Path(spec.file)))]
    else:
        assert path is not None
        place = f"{path}[{split}]"
        tables = [
            hub.rows(path, name, split=split, revision=spec.revision, columns=columns)
            for name in names
        ]
    wanted = chosen(spec.split, sum(map(len, tables)))
    number = 0
    for table in tables:
        start, stop = (max(bound - number, 0) for bound in (wanted.start, wanted.stop))
        for index, row in enumerate(islice(table, start, stop), number + start):
            yield Numbered(index, f"{place}:{index + 1}", row)
        number += len(table)


def chosen(split: str, count: int) -> range:
    """The row numbers that a split with a slice stands for, of `count` rows."""
    match = SPLIT.fullmatch(split)
    assert match is not None, split
    # as in datasets, one percent sign makes percents of both bounds
    percent = "%" in split
    start = _bound(match["start"], count, default=0, percent=percent)
    stop = _bound(match["stop"], count, default=count, percent=percent)
    return range(start, stop)


def _bound(written: str | None, count: int, *, default: int, percent: bool) -> int:
    if written is None:
        return default
    bound = int(written.removesuffix("%"))
    row = round(bound * count / 100) if percent else bound
    return min(max(row + count, 0) if row < 0 else row, count)
