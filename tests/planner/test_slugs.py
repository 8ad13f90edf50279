from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from planner.slugs import LONGEST, slugs


def test_a_plain_alias_is_its_own_slug() -> None:
    assert slugs(["db", "service-1", "0"]) == {"db": "db", "service-1": "service-1", "0": "0"}


def test_other_aliases_stay_readable_and_get_a_hash() -> None:
    found = slugs(["space in middle", "emoji😆", "signs!@#$%^&*()_+", "Straße", "😀"])
    assert [slug.rpartition("-")[0] for slug in found.values()] == [
        "space-in-middle",
        "emoji",
        "signs",
        "strasse",
        "env",
    ]


def test_a_slug_does_not_depend_on_the_other_aliases_or_on_case() -> None:
    assert (
        slugs(["My Stack", "other"])["My Stack"]
        == slugs(["x y", "My Stack"])["My Stack"]
        == slugs(["my stack"])["my stack"]
    )


def test_a_crafted_alias_takes_no_slug_of_another() -> None:
    taken = slugs(["a b"])["a b"]
    found = slugs(["a b", taken])
    assert found[taken] == taken
    assert found["a b"] != taken


ALIASES = st.lists(
    st.one_of(
        st.text(min_size=1, max_size=80), st.sampled_from(["db", "DB", "Db", "d b", "-db", "db-", "d--b", "a" * 51])
    ),
    max_size=20,
)


@given(ALIASES)
def test_slugs_are_safe_and_unique(aliases: list[str]) -> None:
    found = slugs(aliases)
    assert list(found) == list(dict.fromkeys(aliases))
    assert len(set(found.values())) == len(found)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) and len(slug) <= LONGEST for slug in found.values())
