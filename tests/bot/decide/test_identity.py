"""Who is who over time: a rename keeps state and history, and never destroys."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.decide.identity import Declared, Identities, Known, Name, Stack, identities
from tests.depth import examples


def named(name: str, path: str, *, file: str = "w.yml") -> Name:
    return Name(file, name, Stack(path, "terraform", ""))


def known(number: int, name: str, path: str, *former: Name, file: str = "w.yml", used: bool = True) -> Known:
    return Known(number, file, name, Stack(path, "terraform", ""), used, frozenset(former))


def declared(name: str, path: str, *, file: str = "w.yml", moved_from: str | None = None) -> Declared:
    return Declared(file, name, Stack(path, "terraform", ""), moved_from)


def who(found: Identities) -> dict[str, int]:
    return {f"{file} {key}": identity for (file, key), identity in found.same.items()}


def test_the_same_file_and_alias_is_the_same_wherever_its_code_lies_now() -> None:
    found = identities([known(1, "db", "infra/db")], [declared("db", "elsewhere")])
    assert who(found) == {"w.yml db": 1}
    assert (found.moves, found.removed) == ({}, ())


def test_one_gone_and_one_new_with_the_same_stack_are_a_move() -> None:
    new = declared("database", "infra/db")
    found = identities([known(1, "db", "infra/db")], [new])
    assert who(found) == {"w.yml database": 1}
    assert found.moves == {1: new}
    assert (found.removed, found.doubtful) == ((), frozenset())


def test_another_tool_or_workspace_is_another_stack() -> None:
    old = Known(1, "w.yml", "db", Stack("infra/db", "terraform", "prod"), True)
    found = identities([old], [declared("database", "infra/db")])
    assert (found.moves, found.removed, found.doubtful) == ({}, (1,), {1})


def test_where_several_match_the_file_must_say_which() -> None:
    old = [known(1, "a", "infra"), known(2, "b", "infra")]
    new = [declared("x", "infra"), declared("y", "infra")]
    found = identities(old, new)
    assert (found.moves, found.removed, found.doubtful) == ({}, (1, 2), {1, 2})
    told = identities(old, [declared("x", "infra", moved_from="b"), declared("y", "infra", moved_from="a")])
    assert who(told) == {"w.yml x": 2, "w.yml y": 1}
    assert told.removed == ()


def test_movedfrom_tells_a_move_where_alias_and_path_both_changed() -> None:
    old = [known(1, "db", "infra/db")]
    doubt = identities(old, [declared("database", "stacks/database")])
    assert (doubt.removed, doubt.doubtful) == ((1,), {1})
    told = identities(old, [declared("database", "stacks/database", moved_from="db")])
    assert who(told) == {"w.yml database": 1}
    assert (told.removed, told.doubtful) == ((), frozenset())


def test_who_has_not_the_move_yet_means_the_same_environment() -> None:
    moved = known(1, "database", "stacks/database", named("db", "infra/db"))
    found = identities([moved], [declared("db", "infra/db")])
    assert who(found) == {"w.yml db": 1}
    assert found.removed == ()


def test_a_former_name_is_free_where_the_new_one_is_there_too() -> None:
    moved = known(1, "database", "stacks/database", named("db", "infra/db"))
    found = identities([moved], [declared("database", "stacks/database"), declared("db", "infra/db")])
    assert who(found) == {"w.yml database": 1}
    assert (found.moves, found.removed) == ({}, ())


@pytest.mark.parametrize(
    "new",
    [
        declared("db", "elsewhere"),
        declared("db", "infra/db", file="other.yml"),
        declared("other", "infra/db"),
    ],
)
def test_a_former_name_is_alias_file_and_stack_together(new: Declared) -> None:
    moved = known(1, "database", "stacks/database", named("db", "infra/db"))
    assert identities([moved], [new]).removed == (1,)


def test_a_former_name_of_two_or_two_former_names_tell_nothing() -> None:
    first, second = named("db", "infra/db"), named("base", "infra/base")
    two = [known(1, "a", "x", first), known(2, "b", "y", first)]
    assert identities(two, [declared("db", "infra/db")]).removed == (1, 2)
    both = identities([known(1, "a", "x", first, second)], [declared("db", "infra/db"), declared("base", "infra/base")])
    assert both.removed == (1,)
    once = identities([known(1, "a", "x", first, second)], [declared("base", "infra/base")])
    assert who(once) == {"w.yml base": 1}


def test_what_lies_there_now_goes_before_a_former_name() -> None:
    moved = known(1, "database", "stacks/database", named("db", "infra/db"))
    found = identities([moved], [declared("db", "infra/db"), declared("base", "stacks/database")])
    assert who(found) == {"w.yml base": 1}


def test_movedfrom_goes_before_a_former_name() -> None:
    moved = known(1, "database", "stacks/database", named("db", "infra/db"))
    found = identities([moved], [declared("db", "infra/db"), declared("base", "new", moved_from="database")])
    assert who(found) == {"w.yml base": 1}


def test_movedfrom_prefers_its_own_file_and_gives_up_where_several_others_had_that_alias() -> None:
    old = [known(1, "db", "a", file="one.yml"), known(2, "db", "b", file="two.yml")]
    new = [declared("database", "c", file="two.yml", moved_from="db")]
    assert identities(old, new).moves == {2: new[0]}
    elsewhere = [declared("database", "c", file="three.yml", moved_from="db")]
    assert identities(old, elsewhere).moves == {}


def test_an_old_movedfrom_of_an_environment_that_is_deployed_moves_nothing() -> None:
    old = [known(1, "db", "old"), known(2, "database", "new")]
    found = identities(old, [declared("database", "new", moved_from="db")])
    assert (who(found), found.moves, found.removed) == ({"w.yml database": 2}, {}, (1,))


def test_two_that_claim_the_same_former_alias_get_it_once() -> None:
    new = [declared("x", "p", moved_from="db"), declared("y", "q", moved_from="db")]
    found = identities([known(1, "db", "infra/db")], new)
    assert found.moves == {1: new[0]}


def test_what_was_only_planned_leaves_no_trace() -> None:
    old = [known(1, "db", "infra/db"), known(2, "database", "infra/db", used=False), known(3, "x", "x", used=False)]
    found = identities(old, [declared("database", "infra/db")])
    assert who(found) == {"w.yml database": 1}
    assert found.removed == ()


def test_a_swap_of_paths_is_no_move_since_the_alias_is_the_name() -> None:
    old = [known(1, "a", "one"), known(2, "b", "two")]
    found = identities(old, [declared("a", "two"), declared("b", "one")])
    assert (who(found), found.moves) == ({"w.yml a": 1, "w.yml b": 2}, {})


def test_in_a_chain_of_renames_the_alias_that_stays_keeps_its_identity() -> None:
    old = [known(1, "a", "one"), known(2, "b", "two")]
    found = identities(old, [declared("b", "one", moved_from="a"), declared("c", "two")])
    assert who(found) == {"w.yml b": 2}
    assert (found.moves, found.removed, found.doubtful) == ({}, (1,), {1})


def test_a_removal_without_newcomers_is_not_doubtful() -> None:
    found = identities([known(1, "a", "one"), known(2, "b", "two")], [declared("a", "one")])
    assert (found.removed, found.doubtful) == ((2,), frozenset())


@pytest.mark.parametrize(
    ("newcomer", "doubtful"),
    [
        (declared("database", "stacks/database", file="other.yml"), False),
        (declared("db", "stacks/database", file="other.yml"), True),
        (Declared("other.yml", "database", Stack("infra/db", "opentofu", "")), True),
    ],
)
def test_a_newcomer_of_another_file_makes_doubtful_what_shares_its_name_or_its_path(
    newcomer: Declared, doubtful: bool
) -> None:
    found = identities([known(1, "db", "infra/db")], [newcomer])
    assert found.removed == (1,)
    assert bool(found.doubtful) is doubtful


def test_a_vanished_file_takes_its_workflow_along() -> None:
    old = [known(1, "a", "one", file="old.yml"), known(2, "b", "two", file="old.yml")]
    new = [declared("a", "one", file="new.yml"), declared("b", "two", file="new.yml")]
    found = identities(old, new)
    assert found.followed == {"old.yml": "new.yml"}
    assert who(found) == {"new.yml a": 1, "new.yml b": 2}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            [known(1, "a", "one", file="old.yml"), known(2, "b", "two", file="old.yml")],
            [declared("a", "one", file="x.yml"), declared("b", "two", file="y.yml")],
            id="to two files",
        ),
        pytest.param(
            [known(1, "a", "one", file="old.yml"), known(2, "b", "two", file="old.yml")],
            [declared("a", "one", file="new.yml")],
            id="not all of them",
        ),
        pytest.param(
            [known(1, "a", "one", file="old.yml"), known(2, "b", "two", file="old.yml")],
            [declared("a", "one", file="new.yml"), declared("b", "two", file="old.yml")],
            id="the file is still there",
        ),
        pytest.param(
            [known(1, "a", "one", file="old.yml"), known(2, "b", "two", file="new.yml")],
            [declared("a", "one", file="new.yml"), declared("b", "two", file="new.yml")],
            id="into a workflow with a history of its own",
        ),
        pytest.param(
            [known(1, "a", "one", file="x.yml"), known(2, "b", "two", file="y.yml")],
            [declared("a", "one", file="new.yml"), declared("b", "two", file="new.yml")],
            id="two files became one",
        ),
    ],
)
def test_a_workflow_stays_behind_where_it_is_not_one_that_went_to_one(old: list[Known], new: list[Declared]) -> None:
    assert identities(old, new).followed == {}


NAMES = st.sampled_from("abcd")
FILES = st.sampled_from(["w.yml", "v.yml"])
PATHS = st.sampled_from(["one", "two", "three"])


@settings(max_examples=examples(500), deadline=None)
@given(
    st.lists(
        st.tuples(FILES, NAMES, PATHS, st.booleans(), st.lists(st.tuples(NAMES, PATHS), max_size=2)),
        max_size=5,
        unique_by=lambda one: one[:2],
    ),
    st.lists(st.tuples(FILES, NAMES, PATHS, st.none() | NAMES), max_size=5, unique_by=lambda one: one[:2]),
)
def test_nobody_is_lost_and_nobody_is_two(
    old: list[tuple[str, str, str, bool, list[tuple[str, str]]]], new: list[tuple[str, str, str, str | None]]
) -> None:
    stored = [
        known(number, name, path, *(named(*one, file=file) for one in former), file=file, used=used)
        for number, (file, name, path, used, former) in enumerate(old)
    ]
    files = [declared(name, path, file=file, moved_from=former) for file, name, path, former in new]
    found = identities(stored, files)
    taken = list(found.same.values())
    assert len(set(taken)) == len(taken)
    used = {one.id for one in stored if one.used}
    assert used <= set(taken) | set(found.removed)
    assert not set(taken) & set(found.removed)
    assert found.doubtful <= set(found.removed)
    assert all(found.same[one.file, one.key] == identity for identity, one in found.moves.items())
    for one in stored:  # a rename never destroys: what goes for sure has no newcomer in its file
        newcomers = [other for other in files if other.file == one.file and (other.file, other.key) not in found.same]
        assert not (one.id in found.removed and newcomers and one.id not in found.doubtful)
