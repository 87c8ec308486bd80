"""Room names, and the groups made from them."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import BadRequest
from rooms import names

ALPHABET = string.ascii_letters + string.digits + "_"


@given(st.text(ALPHABET, min_size=1, max_size=names.MAX_LENGTH))
def test_valid(name: str) -> None:
    """ASCII letters, digits and underscores, up to 64 of them."""
    assert names.valid(name)
    assert names.group(name) == f"room.{name}"


@given(st.text().filter(lambda text: not text or len(text) > 64 or not set(text) <= set(ALPHABET)))
def test_invalid(name: str) -> None:
    """Nothing else is a name, and no group is made from it."""
    assert not names.valid(name)
    with pytest.raises(BadRequest):
        names.group(name)


@pytest.mark.parametrize(
    "name", ["lobby\n", "\nlobby", "lobby\x00", "١٢٣", "caf\u00e9", "a-b", "a.b", "a b", "", "x" * 65]
)
def test_what_a_careless_pattern_lets_through(name: str) -> None:
    """A trailing newline, digits of other scripts, and the separators of group names."""
    assert not names.valid(name)
