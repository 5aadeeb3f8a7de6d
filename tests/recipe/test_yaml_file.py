"""YAML 1.2, not 1.1."""

from __future__ import annotations

import pytest

from reason_w2s.errors import ConfigError
from reason_w2s.recipe.schema import ModelSpec
from reason_w2s.recipe.yaml_file import header, nearest, parse, read, value


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("on", "on"),
        ("off", "off"),
        ("yes", "yes"),
        ("true", True),
        ("2e-5", 2e-5),
        ("1e3", 1000.0),
        ("12:30", "12:30"),
        ("010", 10),
        ("null", None),
        ("[1, a]", [1, "a"]),
        ("{graded.correct: true}", {"graded.correct": True}),
    ],
)
def test_values_mean_what_yaml_1_2_says(text, meant, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(f"key: {text}\n")
    for found in (value(text), read(path)["key"]):
        assert found == meant
        assert type(found) is type(meant)


def test_on_as_a_key_is_a_word(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("on: 1\nno: 2\n")
    assert read(path) == {"on": 1, "no": 2}


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "x: {a: 1, a: 2}\n", "x:\n  a: 1\n  a: 1\n"])
def test_a_key_twice_is_refused(text, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"a\.yaml:\d.*\"a\".*once"):
        read(path)


def test_two_documents_are_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("a: 1\n---\nb: 2\n")
    with pytest.raises(ConfigError, match="YAML"):
        read(path)


def test_header_is_the_first_comment_alone(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("# What it is.\n#\n# More.\na: 1\n# not this\n")
    assert header(path) == "What it is.\n\nMore."


def test_nearest_names_one_or_lists_all():
    assert nearest("grade", ["graded", "drawn"]) == "; did you mean 'graded'?"
    assert nearest("zzz", ["graded", "drawn"]) == "; there are: drawn, graded"
    assert nearest("zzz", []) == ""


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (
            {"path": "x", "prompt": {"template": "{question}", "stps": "x"}},
            "m.prompt: unknown key 'stps'; did you mean 'stop'?",
        ),
        (
            {"path": "x", "prompt": {"template": "{question}", "stop": ["a", 3]}},
            "m.prompt.stop.1: Input should be a valid string, got 3",
        ),
        ({"path": "x", "prompt": {"stop": []}}, "m.prompt.template: this key is required"),
        ({"path": "x", "prompt": 3}, "m.prompt: Input should be a valid string, got 3"),
    ],
)
def test_a_place_is_what_the_file_holds(data, line):
    with pytest.raises(ConfigError) as error:
        parse(ModelSpec, data, "f: m")
    assert str(error.value) == f"f: {line}"
