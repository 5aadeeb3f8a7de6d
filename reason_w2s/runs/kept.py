"""Reading back a table that a finished step left: it must be there."""

from __future__ import annotations

import pyarrow as pa

from reason_w2s.errors import Damaged
from reason_w2s.runs.items import Item
from reason_w2s.runs.store import Store, parts, read_parts


def kept(store: Store, item: Item, schema: pa.Schema, name: str = "part") -> pa.Table:
    """The table of a step that writes a part at least, if only an empty one.

    Raises:
        Damaged: it is not there any more, or a part of it is not what was written.
    """
    folder = store.folder(item.stage, item.key)
    if not parts(folder, name):
        raise gone(store, item)
    return read_parts(folder, schema, name)


def gone(store: Store, item: Item) -> Damaged:
    """What to raise where records of a finished step are not in its table."""
    return Damaged(
        f"{store.folder(item.stage, item.key)}: its tables do not fit together: records of "
        f"'{item.step}' are not there (changed, or set aside as damaged and not made again yet); "
        f"`reason-w2s run` of its recipe makes them again"
    )
