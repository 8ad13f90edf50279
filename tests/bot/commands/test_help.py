"""What /help answers, as people read it."""

from __future__ import annotations

import re

import pytest
from inline_snapshot import snapshot

from bot.commands import GRAMMARS
from bot.commands.help import help_text
from bot.decide.comment import parse
from bot.decide.comment_grammar import VALUES
from docs.commands_page import commands_page
from tests.github.page.markdown import render


def test_the_list() -> None:
    assert help_text(None) == snapshot("""\
### Commands

Each at the start of a line, in a new comment.

| command | what it does |
|---|---|
| `/plan` | Show what a deploy would do; changes nothing |
| `/deploy` | Deploy what the plan comment shows, in dependency order |
| `/destroy` | Destroy environments, downstream first; shows the plans, then waits for `/approve` |
| `/approve` | Let environments that wait for approval go on |
| `/reject` | Cancel environments that wait for approval |
| `/cancel` | Stop the deployments of this pull request, running jobs too |
| `/retry` | Run again what failed, and what that blocked, at the same commit |
| `/unlock` | Free environments that a pull request holds, or the lock of a Terraform state |
| `/adopt` | Record as deployed what exists already and plans no change |
| `/restore` | Deploy the default branch's version over what this pull request deployed |
| `/explain` | Why an environment is affected, waits or was skipped, and what would move it on |
| `/status` | The state of every workflow and environment, and who holds what |
| `/help` | This list, or more about one command |

`/help COMMAND` tells more of one. A name with spaces or signs is quoted: `'my db'`.\
""")


def test_the_help_of_a_command_with_all_that_one_can_have() -> None:
    assert help_text("plan") == snapshot("""\
### `/plan`

Show what a deploy would do; changes nothing.

```text
/plan [ENV…] [--only | --from ALIAS] [--workflow NAME] [-v KEY=VALUE] [--forget KEY] [@SHA]
```

ENV is an alias, or a glob such as `net-*`; without one, all are meant. What is named brings its affected downstream along, never its upstream. A name with spaces or signs is quoted: `'my db'`.

| option | what it does |
|---|---|
| `--only` | These alone, without what lies downstream. |
| `--from ALIAS` | This, and all that lies downstream, affected or not. May be given several times. |
| `--workflow NAME` | Only this workflow: its name, or its file. |
| `-v KEY=VALUE` | Plan with this value of a variable. The next `/deploy` uses it, and it is kept from then on. |
| `--forget KEY` | Plan without this kept value, so that the file's own holds again. |
| `@SHA` | At this commit: 7 to 64 hexadecimal digits. |

A pull request is planned by itself when it is opened and when something is pushed to it, unless it is a draft or comes from a fork. Code of a fork runs only once somebody who may deploy has named its commit. Nothing plans it anew when something else is deployed there meanwhile, but the plan comment says so.

- `/plan`: all that this pull request affects
- `/plan net-* 'my db'`: these, and what they affect downstream
- `/plan db -v SIZE=large`: with another value
- `/plan @4f2a91c`: this commit, unless something was pushed since; a fork's is named with all its digits

Works on pull requests that are open.\
""")


def test_the_help_of_a_small_command() -> None:
    assert help_text("restore") == snapshot("""\
### `/restore`

Deploy the default branch's version over what this pull request deployed.

```text
/restore [ENV…] [--workflow NAME]
```

ENV is an alias, or a glob such as `net-*`; without one, all are meant. A name with spaces or signs is quoted: `'my db'`.

| option | what it does |
|---|---|
| `--workflow NAME` | Only this workflow: its name, or its file. |

It plans first, and deploys after `/approve`. Then the environments are free again.

- `/restore`: all that this pull request holds

Works on pull requests that are open or closed without a merge.\
""")
    assert help_text("cancel") == snapshot("""\
### `/cancel`

Stop the deployments of this pull request, running jobs too.

```text
/cancel [--workflow NAME] [--kill]
```

| option | what it does |
|---|---|
| `--workflow NAME` | Only this workflow: its name, or its file. |
| `--kill` | Kill the tools at once. A state may be left locked, or half written. |

- `/cancel`: what has not started never will; a tool at work has a minute to save its state\
""")


def test_help_about_nothing_that_there_is_is_the_list() -> None:
    assert help_text("dance") == help_text("") == help_text(None)


@pytest.mark.parametrize("verb", [None, *GRAMMARS])
def test_help_is_readable_on_github_and_short(verb: str | None) -> None:
    text = help_text(verb)
    page = render(text)
    assert len(text) < 3_000
    assert page.count("<table>") == (1 if verb is None or GRAMMARS[verb].options else 0)
    assert "**" not in re.sub(r"<(code|pre)>.*?</\1>", "", page, flags=re.S)
    assert "|" not in re.sub(r"<(code|pre)>.*?</\1>", "", page, flags=re.S)
    assert "@" not in re.sub(r"<(code|pre)>.*?</\1>", "", page, flags=re.S), "nobody is mentioned"


@pytest.mark.parametrize("verb", GRAMMARS)
def test_help_tells_all_of_the_grammar(verb: str) -> None:
    grammar, text = GRAMMARS[verb], help_text(verb)
    told = [*grammar.usage, *(line for line, _ in grammar.examples), *(what for _, what in grammar.options)]
    told += [f"`{option} {VALUES.get(option, '')}".rstrip() + "`" for option, _ in grammar.options]
    assert [one for one in (*told, grammar.summary, grammar.more) if one not in text] == []


@pytest.mark.parametrize("verb", [None, *GRAMMARS])
def test_help_that_is_quoted_or_pasted_runs_nothing(verb: str | None) -> None:
    text = help_text(verb)
    assert parse(text, GRAMMARS) == ()
    assert parse("\n".join(f"> {line}" for line in text.splitlines()), GRAMMARS) == ()


def test_the_page_has_a_section_for_each_command_and_says_where_it_works() -> None:
    page = commands_page()
    assert re.findall(r"^## /(.+)$", page, re.M) == list(GRAMMARS)
    places = dict(re.findall(r"^- (.+): (`/.+)$", page.split("## Where they work")[1].split("## ")[0], re.M))
    assert len(places) == 3
    assert "`/restore`" in places["one that was closed without a merge"]
    assert "`/restore`" not in places["a merged one"]
    assert "`/deploy`" not in places["a merged one"]


def test_the_page_itself_runs_nothing() -> None:
    assert parse(commands_page(), GRAMMARS) == ()
