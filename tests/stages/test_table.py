"""The table of stages says what is there."""

from __future__ import annotations

import importlib
import inspect

import pytest
from pydantic import BaseModel

from reason_w2s.runs.makers import MAKERS, maker
from reason_w2s.runs.makers.annotations import FUNCTIONS
from reason_w2s.runs.tables import ANNOTATIONS
from reason_w2s.stages.table import STAGES, USABLE, config_class

ANNOTATING = [name for name, stage in STAGES.items() if stage.shape == "annotate"]


@pytest.mark.parametrize("stage", STAGES)
def test_settings_resolve_and_refuse_what_they_do_not_know(stage):
    found = config_class(stage)
    assert issubclass(found, BaseModel)
    assert found.model_config["extra"] == "forbid"
    assert found.model_config["frozen"]
    assert inspect.getdoc(found)
    # one name means one thing: settings and references share a step's mapping
    shared = {"of", "seed"} if stage in USABLE else {"of"}
    assert not {*shared, *STAGES[stage].roles} & found.model_fields.keys()


@pytest.mark.parametrize("stage", [*STAGES, "problems", "model", "prompted", "union"])
def test_every_stage_is_found_and_made(stage):
    found = maker(stage)
    assert callable(found.find)
    assert callable(found.make)
    assert stage in MAKERS


def test_nothing_is_made_that_is_no_stage():
    assert set(MAKERS) == {*STAGES, "problems", "model", "prompted", "union"}
    assert set(USABLE) - {"prompted"} <= set(STAGES)


@pytest.mark.parametrize("stage", ANNOTATING)
def test_columns_are_those_of_the_schema(stage):
    assert tuple(ANNOTATIONS[stage].names) == ("key", "input", *STAGES[stage].columns)
    assert set(STAGES[stage].gold) <= set(STAGES[stage].columns)
    module, name = FUNCTIONS[stage].split(":")
    assert callable(getattr(importlib.import_module(module), name))


def test_only_annotating_stages_have_columns():
    assert [name for name, stage in STAGES.items() if stage.columns] == ANNOTATING
    assert set(ANNOTATIONS) == set(FUNCTIONS) == set(ANNOTATING)
