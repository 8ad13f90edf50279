"""Every file of the corpus, held against the reader and against the published JSON Schema."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.definition import Json, Removal, Tool
from planner.format.parsing import parse_file
from planner.format.yaml_nodes import plain_value, read_yaml
from planner.graph import Graph
from planner.problems import Severity
from planner.reading import Reading, read
from planner.schema import json_schema
from planner.starter import missing_templates, unknown_templates
from tests.depth import examples
from tests.planner.corpus import CORPUS, Case, cases

BAD = list(cases("bad"))
GOOD = list(cases("good"))
ENV0 = sorted((CORPUS / "env0").iterdir())


@cache
def schema() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def schema_says(path: str, content: bytes) -> str:
    tree, problems = read_yaml(path, content)
    if tree is None or problems:
        return "unreadable"
    return "accepts" if schema().is_valid(plain_value(tree)) else "rejects"


def test_there_are_enough_bad_files() -> None:
    assert len([case for case in BAD if len(case.files) == 1]) >= 60


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_a_bad_file_is_told_what_is_wrong_and_where(case: Case) -> None:
    assert [str(problem) for problem in case.reading().problems] == list(case.expected)
    assert case.expected


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_the_schema_rejects_the_bad_files_that_it_can(case: Case) -> None:
    verdicts = {schema_says(path, content) for path, content in case.files.items()}
    worst = next(verdict for verdict in ("unreadable", "rejects", "accepts") if verdict in verdicts)
    assert worst == case.schema


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_what_could_be_read_of_a_bad_file_is_a_graph(case: Case) -> None:
    for workflow in case.reading().definitions.workflows:
        assert len(Graph.of(workflow).order) == len(workflow.environments)


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_a_good_file_has_no_problems_and_passes_the_schema(case: Case) -> None:
    assert case.reading().problems == ()
    for path, content in case.files.items():
        tree, _ = read_yaml(path, content)
        assert tree is not None
        assert [error.message for error in schema().iter_errors(plain_value(tree))] == []


def test_the_schema_is_a_schema_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


def env0_file(path: Path) -> tuple[bytes, str]:
    """The file as it was published, and the address of the repository that it lies in."""
    owner_and_name = path.name.partition("__")[0].replace("+", "/")
    return path.read_bytes(), f"https://github.com/{owner_and_name}.git"


def read_env0(path: Path, root: bytes | None = None) -> Reading:
    content, origin = env0_file(path)
    files = {"workflows/env0.workflow.yml": content} | ({"headwater.yml": root} if root is not None else {})
    return read(files, lambda _: "folder", [origin])


@pytest.mark.parametrize("path", ENV0, ids=lambda path: path.name)
def test_a_file_written_for_env0_is_read_unchanged(path: Path) -> None:
    content, _ = env0_file(path)
    unknown = unknown_templates([parse_file("workflows/env0.workflow.yml", content)])
    alone = read_env0(path)
    assert all("headwater init" in str(error) for error in alone.errors)
    assert bool(alone.errors) == bool(unknown)

    templates = missing_templates(unknown, ()).replace('"<fill in the folder of its code>"', "here")
    assert read_env0(path, templates.encode() if unknown else None).errors == ()


@pytest.mark.parametrize("path", ENV0, ids=lambda path: path.name)
def test_a_file_written_for_env0_passes_the_schema(path: Path) -> None:
    assert schema_says("env0.workflow.yml", path.read_bytes()) == "accepts"


def test_what_an_env0_file_means() -> None:
    path = next(path for path in ENV0 if "three-nodes" in path.name)
    reading = read_env0(path)
    (workflow,) = reading.require().workflows
    assert (workflow.name, workflow.removal) == ("workflows", Removal.DESTROY)
    assert [
        (one.alias, one.path, one.repository, one.revision, one.version, one.needs) for one in workflow.environments
    ] == [
        ("service1", "misc/null-resource", None, "master", "1.5.7", ()),
        ("service2", "misc/null-resource", None, "master", "1.5.7", ("service1",)),
        ("service3", "misc/drift-detection", None, "master", "1.5.7", ("service2",)),
    ]
    assert [str(problem.severity) for problem in reading.problems] == ["warning"]  # two on one path


def test_everything_that_a_file_can_say_is_read() -> None:
    reading = next(case for case in GOOD if case.name == "everything").reading()
    (workflow,) = reading.require().workflows
    db = workflow.environment("DB")
    assert db is not None
    assert (db.tool, db.version, db.workspace, db.timeout) == (Tool.OPENTOFU, "~> 1.9", "prod-${REGION}", 5400.0)
    assert (db.needs, db.runs_on, db.github_environment) == (("vpc",), ("self-hosted", "linux"), "production")
    assert [reference.alias for variable in db.variables for reference in variable.references] == ["vpc", "vpc"]
    values = {variable.name: variable.value for variable in workflow.variables}
    assert values["ACCOUNT"] == "012345678901"
    assert (values["TAGS"], values["LONG"]) == ({"team": "shop", "value": "kept"}, {"value": 1})
    vpc = workflow.environment("vpc")
    assert vpc is not None
    assert (vpc.version, vpc.path) == ("1.10", "infra/vpc")
    elsewhere, here = workflow.environment("elsewhere"), workflow.environment("here")
    assert elsewhere is not None
    assert here is not None
    assert (elsewhere.repository, here.repository) == ("https://github.com/Acme/modules.git", None)
    assert (workflow.environment("billing") or db).runs_on == ("ubuntu-latest",)
    assert (workflow.environment("chart") or db).disabled is False
    assert [step.step for step in (workflow.environment("billing") or db).steps] == ["plan", "apply"]
    assert workflow.drift_schedule == "30 6 * * MON-FRI"
    assert workflow.triggers.deploy_on_merge


# One change to a file of the corpus: the reader and the schema must still agree.

TEXTS = [
    *(
        "",
        " ",
        "vpc",
        "infra/vpc",
        "../x",
        "-x",
        "30m",
        "${VAR}",
        "${x",
        "$${x}",
        "true",
        "a\tb",
        "terraform",
        "*",
        "/x",
    ),
    *("@acme/team", "write", "0 6 * * *", "https://github.com/acme/modules", "PATH", "TF_VAR_x", "1.10", "😀"),
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 300),
    st.sampled_from(TEXTS),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "type", "value", "sensitive", "before", "x", "fromSecret"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
KEYS = st.sampled_from(
    [
        *("name", "vcs", "templateName", "needs", "disabled", "variables", "watch", "type", "path", "timeout", "PATH"),
        *("x", "value", "sensitive", "fromSecret", "steps", "runsOn", "workspace", "revision", "environments"),
        *("templates", "requirements"),
    ]
)


def plain_files() -> list[Json]:
    found = []
    for case in GOOD + BAD:
        for path, content in case.files.items():
            tree, problems = read_yaml(path, content)
            if tree is not None and not problems:
                found.append(plain_value(tree))
    return found


PLAIN = plain_files()


@st.composite
def changed_files(draw: st.DrawFn) -> Json:
    value = json.loads(json.dumps(draw(st.sampled_from(PLAIN))))
    for _ in range(draw(st.integers(1, 3))):
        value = changed(value, draw)
    return value


def changed(value: Json, draw: st.DrawFn) -> Json:
    """The value with one place in it replaced, renamed, added or removed."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        return value | {key: changed(value[key], draw)}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        place = draw(st.integers(0, len(value) - 1))
        return [*value[:place], changed(value[place], draw), *value[place + 1 :]]
    if isinstance(value, dict) and draw(st.booleans()):
        return value | {draw(KEYS): draw(VALUES)}
    return draw(VALUES)


@given(changed_files())
@settings(max_examples=examples(400), deadline=None)
def test_the_schema_rejects_nothing_that_the_reader_takes(value: Json) -> None:
    content = json.dumps(value).encode()
    parsed = parse_file("headwater.yml", content)
    if all(problem.severity is Severity.WARNING for problem in parsed.problems):
        assert schema_says("headwater.yml", content) == "accepts"


@given(changed_files())
@settings(max_examples=examples(200), deadline=None)
def test_any_change_of_a_file_is_read_to_a_graph(value: Json) -> None:
    reading = read({"headwater.yml": json.dumps(value).encode()}, lambda path: None if path else "folder")
    for workflow in reading.definitions.workflows:
        assert len(Graph.of(workflow).order) == len(workflow.environments)
        assert len({one.slug for one in workflow.environments}) == len(workflow.environments)


@given(st.binary(max_size=200) | st.text(alphabet="abc:{}[]&*!|>'\"#%@`,-? \n\t\\0é", max_size=80).map(str.encode))
@settings(max_examples=examples(1500), deadline=None)
def test_no_bytes_stop_the_reader(content: bytes) -> None:
    read({"headwater.yml": content, "a/env0.workflow.yml": content}, lambda _: None)


# Files made of values that are mostly right, so that the reader takes many of them.

LINES = st.sampled_from(TEXTS)


def mostly(*right: Json) -> st.SearchStrategy[Json]:
    return st.integers(0, 9).flatmap(lambda dice: st.sampled_from(right) if dice else LINES)


def mostly_all(*right: Json) -> st.SearchStrategy[list[Json]]:
    return st.lists(mostly(*right), max_size=2)


def record(
    required: dict[str, st.SearchStrategy[Json]], **optional: st.SearchStrategy[Json]
) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries(required, optional=optional)


TEXT = mostly("a", "${VAR}", "$${x}", "1.10", "😀", 1, 1.5)
FLAG = mostly(True, False)
WHO = mostly_all("write", "admin", "@acme/platform.team")
VALUE = st.recursive(
    mostly("a", 1, None, "$", ""), lambda inner: st.lists(inner, max_size=2) | record({}, a=inner, value=inner)
)
VARIABLE = VALUE | record({"value": VALUE}, plan=FLAG) | record({"fromSecret": TEXT}, sensitive=FLAG, plan=FLAG)
VARIABLES = st.dictionaries(mostly("A", "b_1", "TF_VAR_a", "TF_TOKEN_x", "PYTHO"), VARIABLE, max_size=2)
CODE = record(
    {"type": mostly(*(tool.value for tool in Tool))},
    path=mostly("/", "", "infra", "./x/../y", "/infra/"),
    repository=mostly("https://github.com/acme/x", "git@github.com:acme/x"),
    revision=TEXT,
    version=mostly("1.11.4", "~> 1.5", ">= 1.2, < 2.0", "latest", 1, 1.5),
    tokenId=VALUE,
)
ENVIRONMENT = record(
    {"vcs": CODE},
    name=TEXT,
    workspace=TEXT,
    revision=TEXT,
    disabled=mostly(True, "", "no", "TRUE", "${X}", "a${X}", 0),
    requiresApproval=FLAG,
    timeout=mostly("30m", "1h30m", "90s"),
    githubEnvironment=mostly("production"),
    movedFrom=mostly("old"),
    watch=mostly_all("**", "a/*.json", "..a/b"),
    ignoreDifferences=mostly_all("a.*.b"),
    runsOn=mostly("ubuntu-latest") | mostly_all("self-hosted"),
    variables=VARIABLES,
    steps=record({}, plan=record({}, before=mostly_all("./prepare"))),
)
FILES = record(
    {"environments": st.dictionaries(mostly("a", "😀", "1", "a b"), ENVIRONMENT, max_size=1)},
    name=mostly("shop", 1),
    variables=VARIABLES,
    triggers=record({}, branches=mostly_all("main"), deployOnMerge=FLAG),
    repositories=mostly_all("https://github.com/acme/x", "HTTPS://h/x"),
    drift=record({"schedule": mostly("0 6 * * *", "*/5 1,2 1-3 JAN sun", "0  6 * * 1 ")}),
    permissions=record({}, deploy=WHO, admin=WHO),
    requirements=record({}, approvals=st.integers(-1, 101), codeOwners=FLAG, upToDate=mostly("none", "branch")),
    firstDeploy=mostly("apply", "approve"),
)


@given(FILES)
@settings(max_examples=examples(600), deadline=None)
def test_reader_and_schema_agree_on_files_that_are_nearly_right(value: Json) -> None:
    content = json.dumps(value).encode()
    errors = [
        problem for problem in parse_file("headwater.yml", content).problems if problem.severity is Severity.ERROR
    ]
    if not errors:
        assert schema_says("headwater.yml", content) == "accepts"
