"""Damaged files of the store: set aside under another name, so that they are made again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from reason_w2s.engines.seal import broken
from reason_w2s.errors import Damaged, StoreError
from reason_w2s.runs.items import ModelRef
from reason_w2s.runs.store import is_sound, parts, read_json

Result = TypeVar("Result")

TRIES = 3
"""Times in a row that records may be gone without a damaged file: then something else is wrong."""


@dataclass
class Mending:
    """Sets damaged files aside while `doing` is tried, and remembers which.

    say: told a line for each. found: place, file (below `root`) and new name of each.
    """

    root: Path
    say: Callable[[str], None]
    found: list[dict[str, str]] = field(default_factory=list)

    def until_sound(
        self, doing: Callable[[], Result], again: Callable[[], None] | None = None
    ) -> Result:
        """What `doing` gives once it meets no damaged file. `again` is called before a new try;
        without it, records that are gone end the tries: they are another step's to make.

        Raises:
            Damaged: records stay away.
        """
        empty = 0
        while True:
            try:
                return doing()
            except Damaged as damaged:
                empty = 0 if self._mend(damaged) else empty + 1
                if empty == (TRIES if again else 1) and not damaged.paths:
                    raise
            if again:
                again()

    def _mend(self, damaged: Damaged) -> bool:
        """Whether anything was set aside: another process may have been quicker.

        What goes along with the first path, as a model's `made.json` does, is not named.
        """
        places = {path: set_aside(path) for path in _all_of(damaged)}
        moved = {path: aside for path, aside in places.items() if aside is not None}
        along = damaged.paths[1:] if damaged.paths[:1] and damaged.paths[0] in moved else ()
        for path, aside in moved.items():
            if path not in along:
                self._remember(damaged.place, path, aside)
        return bool(moved)

    def _remember(self, place: str, path: Path, aside: Path) -> None:
        root, whole = self.root.resolve(), path.resolve()
        file = str(whole.relative_to(root) if whole.is_relative_to(root) else path)
        self.found.append({"place": place, "file": file, "aside": aside.name})
        where = f"{place}: " if place else ""
        self.say(
            f"warning: {where}{file} is damaged; it was set aside as {aside.name}, and what it "
            f"held is made again"
        )


def _all_of(damaged: Damaged) -> Iterator[Path]:
    """The paths, and what else is damaged in the same table: each is read once, not once a try."""
    yield from damaged.paths
    folders = {path.parent for path in damaged.paths if path.suffix == ".parquet"}
    for folder in folders:
        for path in parts(folder, name="*"):
            if path not in damaged.paths and not is_sound(path):
                yield path


def set_aside(path: Path) -> Path | None:
    """Rename a file or folder to NAME.damaged-N; its new place, or None where it is gone.

    Raises:
        StoreError: it cannot be renamed.
    """
    number = 1
    while (place := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    try:
        return path.rename(place)
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror
        raise StoreError(f"{path}: damaged, and cannot be renamed ({why}); move it away") from error


def check_stored(model: ModelRef) -> None:
    """Read the files of a model that the store made, before they are loaded.

    Raises:
        Damaged: they are not what was written.
    """
    folder = Path(model.path)
    made = folder.parent / "made.json"
    if model.served is None and made.is_file():
        check_made(folder, read_json(made), content=True)


def check_made(folder: Path, made: Mapping[str, Any], *, content: bool = False) -> None:
    """Whether a model is as its `made.json`, beside it, says. Older ones say nothing of files.

    Raises:
        Damaged: it is not.
    """
    why = broken(folder, made.get("files", {}), content=content)
    if why is None and not folder.is_dir():
        why = "it is missing"
    if why is not None:
        raise Damaged.of([folder, folder.parent / "made.json"], why)
