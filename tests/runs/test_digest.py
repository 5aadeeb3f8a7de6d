"""A digest of many, with one of them in memory at a time, is the digest of the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reason_w2s.runs.tables import digest, digest_around

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(JSON), st.lists(JSON), st.lists(JSON))
def test_a_digest_of_many_one_at_a_time(before, many, after):
    assert digest_around(before, iter(many), after) == digest(*before, many, *after)


def test_the_digests_of_what_is_stored_stay_what_they_are():
    assert digest("select", [{"key": "a", "problem_id": "1"}], ["x"]) == "6799da3fd16b13838695ef93"
