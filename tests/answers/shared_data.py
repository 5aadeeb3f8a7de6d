"""Where the measured data lies, for the tests that read it; they skip where it is absent."""

import gzip
import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("REASON_W2S_SHARED", ROOT.parent / "shared"))


def rows(name):
    """The rows of one JSON Lines file under shared/data, or a visible skip."""
    path = SHARED / "data" / name
    if not path.is_file():
        pytest.skip(f"{name} is not here; set REASON_W2S_SHARED to the folder that holds data/")
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.strip().split("\n")]
