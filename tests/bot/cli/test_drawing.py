"""The graph as people see it, and as other programs read it."""

from __future__ import annotations

import json

import click
import networkx
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from bot.cli.diagrams import as_json, dot, mermaid
from bot.cli.drawing import direct_needs, drawing, lines
from planner.definition import Environment, Tool, Workflow
from planner.graph import Graph
from planner.listing import listed
from planner.problems import Place
from tests.depth import examples


def environment(alias: str, *needs: str, path: str | None = None, **more: object) -> Environment:
    place = Place("headwater.yml")
    return Environment(alias=alias, slug=alias, place=place, path=path or f"infra/{alias}", needs=needs, **more)  # type: ignore[arg-type]


def workflow(*environments: Environment, name: str = "shop") -> Workflow:
    return Workflow("headwater.yml", name, environments)


def plain(drawn: Workflow, width: int | None = None) -> str:
    return click.unstyle(drawing(drawn, width))


SHOP = workflow(
    environment("Network and VPC", path="infra/network"),
    environment("db", "Network and VPC", requires_approval=True),
    environment("eks", "Network and VPC"),
    environment("billing", "db", "eks", "Network and VPC", tool=Tool.SCRIPT),
    environment("configuration", "db", "eks", disabled="${LATER}"),
    environment("notification 🔔", "eks", "db", disabled=True, workspace="prod", revision="v2"),
)


def test_every_environment_hangs_below_the_last_that_it_needs() -> None:
    assert plain(SHOP) == snapshot("""\
shop  6 environments in 3 levels · headwater.yml
Network and VPC                                   terraform  infra/network
├─ db                  asks for approval          terraform  infra/db
└─ eks                                            terraform  infra/eks
   ├─ billing          + db                       script     infra/billing
   ├─ configuration    + db · disabled: ${LATER}  terraform  infra/configuration
   └─ notification 🔔  + db · disabled            terraform  infra/notification 🔔@v2 (prod)\
""")


def test_a_narrow_terminal_cuts_places_but_never_the_graph() -> None:
    narrow = plain(SHOP, 48)
    assert narrow == snapshot("""\
shop  6 environments in 3 levels · headwater.yml
Network and VPC
├─ db                  asks for approval
└─ eks
   ├─ billing          + db
   ├─ configuration    + db · disabled: ${LATER}
   └─ notification 🔔  + db · disabled\
""")


def test_many_environments_share_lines() -> None:
    regions = [
        one
        for region in ("eu", "us")
        for one in (
            environment(f"{region}-vpc", "network"),
            environment(f"{region}-db", f"{region}-vpc"),
            environment(f"{region}-eks", f"{region}-vpc"),
            *(environment(f"{region}-svc-{n:02}", f"{region}-eks", *[f"{region}-db"][: n % 3]) for n in range(20)),
        )
    ]
    large = workflow(environment("network"), *regions, environment("status-page", "us-svc-03", "eu-svc-03"))
    assert plain(large, 80) == snapshot("""\
shop  48 environments in 5 levels · headwater.yml
network
├─ eu-vpc
│  ├─ eu-db
│  └─ eu-eks
│     ├─ eu-svc-00, eu-svc-03, eu-svc-06, eu-svc-09, eu-svc-12, eu-svc-15,
│     │  eu-svc-18
│     └─ eu-svc-01, eu-svc-02, eu-svc-04, eu-svc-05, eu-svc-07, eu-svc-08,
│        eu-svc-10, eu-svc-11, eu-svc-13, eu-svc-14, eu-svc-16, eu-svc-17,
│        eu-svc-19  + eu-db
└─ us-vpc
   ├─ us-db
   └─ us-eks
      ├─ us-svc-00, us-svc-06, us-svc-09, us-svc-12, us-svc-15, us-svc-18
      ├─ us-svc-01, us-svc-02, us-svc-04, us-svc-05, us-svc-07, us-svc-08,
      │  us-svc-10, us-svc-11, us-svc-13, us-svc-14, us-svc-16, us-svc-17,
      │  us-svc-19  + us-db
      └─ us-svc-03
         └─ status-page  + eu-svc-03\
""")


def test_names_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in plain(workflow(environment("a\x1b]0;x"), environment("b", "a\x1b]0;x")))


def test_an_empty_workflow_is_a_headline() -> None:
    assert plain(workflow()) == "shop  0 environments in 0 levels · headwater.yml"


HOSTILE = 'x"]; click w0e0 href "javascript:alert(1)" %% <b>#quot;`\\'


def test_mermaid_takes_any_alias_as_text() -> None:
    assert mermaid([listed(workflow(environment("vpc"), environment(HOSTILE, "vpc")))]) == snapshot("""\
flowchart LR
  w0e0["vpc"]
  w0e1["x#34;#93;#59; click w0e0 href #34;javascript:alert(1)#34; #37;#37; #60;b#62;#35;quot#59;#96;#92;"]
  w0e0 --> w0e1\
""")


def test_dot_takes_any_alias_as_text() -> None:
    assert dot([listed(workflow(environment("vpc"), environment(HOSTILE, "vpc")))]) == snapshot("""\
digraph headwater {
  rankdir=LR;
  node [shape=box, style=rounded];
  subgraph cluster_0 {
    label="shop";
    w0e0 [label="vpc"];
    w0e1 [label="x\\"]; click w0e0 href \\"javascript:alert(1)\\" %% <b>#quot;`\\\\"];
    w0e0 -> w0e1;
  }
}\
""")


def test_several_workflows_become_subgraphs() -> None:
    both = [listed(workflow(environment("a"))), listed(workflow(environment("a"), name="blog"))]
    assert mermaid(both) == snapshot("""\
flowchart LR
  subgraph w0["shop"]
    w0e0["a"]
  end
  subgraph w1["blog"]
    w1e0["a"]
  end\
""")


def test_json_is_in_dependency_order() -> None:
    found = as_json([listed(workflow(environment("late", "early"), environment("early")))])
    assert json.loads(json.dumps(found)) == snapshot(
        {
            "workflows": [
                {
                    "file": "headwater.yml",
                    "name": "shop",
                    "environments": [
                        {
                            "alias": "early",
                            "slug": "early",
                            "path": "infra/early",
                            "tool": "terraform",
                            "workspace": None,
                            "wave": 0,
                            "needs": [],
                            "requiresApproval": False,
                            "disabled": False,
                        },
                        {
                            "alias": "late",
                            "slug": "late",
                            "path": "infra/late",
                            "tool": "terraform",
                            "workspace": None,
                            "wave": 1,
                            "needs": ["early"],
                            "requiresApproval": False,
                            "disabled": False,
                        },
                    ],
                }
            ]
        }
    )


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A random graph whose file order is not its dependency order."""
    names = draw(st.permutations([f"n{number}" for number in range(draw(st.integers(0, 9)))]))
    needs = {
        name: tuple(draw(st.sets(st.sampled_from(names[:place])))) if place else () for place, name in enumerate(names)
    }
    return Graph({name: needs[name] for name in sorted(names)})


@given(graphs())
@settings(max_examples=examples(80), deadline=None)
def test_direct_needs_are_the_transitive_reduction(graph: Graph) -> None:
    full = networkx.DiGraph()
    full.add_nodes_from(graph.needs)
    full.add_edges_from((upstream, node) for node, upstreams in graph.needs.items() for upstream in upstreams)
    found = {(upstream, node) for node, upstreams in direct_needs(graph).items() for upstream in upstreams}
    assert found == set(networkx.transitive_reduction(full).edges)


@given(graphs(), st.booleans())
@settings(max_examples=examples(80), deadline=None)
def test_the_drawing_tells_every_environment_once_and_every_need(graph: Graph, share: bool) -> None:
    drawn = list(lines(graph, share=share))
    assert sorted(alias for line in drawn for alias in line.aliases) == sorted(graph.needs)
    above: dict[int, str] = {}
    told: set[tuple[str, str]] = set()
    for line in drawn:
        wave = len(line.branches) // 3
        for alias in line.aliases:
            assert graph.wave[alias] == wave
            told |= {(upstream, alias) for upstream in line.also}
            if wave:
                told.add((above[wave - 1], alias))
            above[wave] = alias
    assert told == {(upstream, node) for node, needs in direct_needs(graph).items() for upstream in needs}
