"""Pages as people see them: Markdown, diagrams, checks, runs; nothing hostile comes through."""

from __future__ import annotations

import pytest
import requests

from tests.github import GitHub
from tests.github.page.markdown import render
from tests.github.page.mermaid import NotDrawn, draw, place, read
from tests.github_itself.clients import as_app, as_person

CHART = """flowchart TD
  vpc["vpc<br/>2 to add"]:::ok --> db & eks
  db -->|outputs| billing(Billing)
  eks -.-> billing
  classDef ok fill:#dafbe1,stroke:#1a7f37
  style db fill:red;evil
"""
BODY = f"""## Plan: 2 to change

| environment | + | - |
|---|---|---|
| `vpc` | 2 | 0 |

<details><summary>Plan of <b>vpc</b></summary>

```diff
+ resource "x"
- resource "y" {{}}
  <script>same</script>
```

</details>

```mermaid
{CHART}```

@ada please `@look` <script>alert(1)</script> <img src=x onerror=alert(1)> [x](javascript:alert(1)) <a href="java
script:x">y</a>
"""


def test_markdown_is_rendered_as_on_github() -> None:
    shown = render(BODY)
    assert "<table>" in shown
    assert "<td><code>vpc</code></td>" in shown
    assert "<details><summary>Plan of <b>vpc</b></summary>" in shown
    assert '<span class="added">+ resource &quot;x&quot;' in shown
    assert "<svg" in shown
    assert '<a class="mention" href="/ada">@ada</a>' in shown
    assert "<code>@look</code>" in shown


@pytest.mark.parametrize("hostile", ["<script", "onerror", '="javascript:', "java\nscript", "evil"])
def test_nothing_hostile_comes_through(hostile: str) -> None:
    assert hostile not in render(BODY)


def test_what_is_left_open_is_closed() -> None:
    assert render("<details>open").count("</details>") == 1
    assert render("</details></div></article>x").strip() in ("x", "<p>x</p>", "<p></p>x")


def test_charts_are_read_and_drawn() -> None:
    chart = read(CHART)
    assert [(one, other) for one, other, _, _ in chart.edges] == [
        ("vpc", "db"),
        ("vpc", "eks"),
        ("db", "billing"),
        ("eks", "billing"),
    ]
    shown = draw(CHART)
    assert ("fill:#dafbe1" in shown, ">2 to add</text>" in shown, ">outputs</text>" in shown) == (True, True, True)
    place(chart)
    assert chart.boxes["vpc"].y < chart.boxes["db"].y < chart.boxes["billing"].y
    assert chart.boxes["db"].y == chart.boxes["eks"].y
    assert "<svg" in draw("graph LR\n  a --> b --> a")
    for bad in ("pie\n a", "graph TD\n a --> ", "graph TD\n" + "a --> b\n" * 501, "graph TD\n" + "x" * 50_001):
        with pytest.raises(NotDrawn):
            draw(bad)


def test_the_page_of_a_pull_request(github: GitHub) -> None:
    github.world.organization("acme")
    shop = github.repository("acme/shop", {"README.md": "x"}, write=["ada"])
    app = github.app("acme")
    github.commit(shop, {"db/main.tf": "1\n"}, "Change <db>", branch="feature", by="ada")
    as_person(github, "ada").get_repo("acme/shop").create_pull("main", "feature", title="A <b>title</b>")
    bot = as_app(github, app).get_repo("acme/shop")
    bot.get_issue(1).create_comment(BODY).create_reaction("rocket")
    note = {
        "path": "db/main.tf",
        "start_line": 3,
        "end_line": 3,
        "annotation_level": "failure",
        "message": "unknown key",
    }
    run = bot.create_check_run(
        "plan",
        shop.pulls[1].head_sha,
        conclusion="failure",
        output={"title": "2 to change", "summary": "**bold**", "annotations": [note]},
    )
    shown = requests.get(f"{github.url}/acme/shop/pull/1", timeout=5)
    assert shown.status_code == 200
    for words in (
        "A &lt;b&gt;title&lt;/b&gt;",
        "headwater[bot]",
        "2 to change",
        "🚀 1",
        "db/main.tf",
        "<svg",
        "Change &lt;db&gt;",
    ):
        assert words in shown.text
    check = requests.get(run.html_url, timeout=5).text
    assert ("<strong>bold</strong>" in check, "db/main.tf:3" in check) == (True, True)
    assert "acme/shop/pull/1" in requests.get(github.url, timeout=5).text
    assert requests.get(f"{github.url}/acme/shop/pull/2", timeout=5).status_code == 404


def test_the_pages_of_a_run(github: GitHub) -> None:
    text = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo '<b>' && echo '# Done' >> $GITHUB_STEP_SUMMARY\n"
    shop = github.repository("acme/shop", {".github/workflows/it.yml": text})
    github.settle()
    (run,) = shop.runs.values()
    page = f"{github.url}/acme/shop/actions/runs/{run.id}"
    assert "<h1>Done</h1>" in requests.get(page, timeout=5).text
    assert "\n&lt;b&gt;" in requests.get(f"{page}/job/{run.jobs[0].id}", timeout=5).text
