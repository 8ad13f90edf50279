"""`headwater variables`: what an environment receives."""

from __future__ import annotations

import click

from bot.cli.acting import Session
from bot.cli.completing import environment_aliases
from bot.cli.context import Command
from bot.cli.definitions import chosen_workflows, read_commit
from bot.cli.exit_codes import ExitCode
from bot.cli.global_options import Globals
from bot.cli.output import Cell, Tone, print_json, say, table, terminal_width
from bot.explaining import declared
from bot.known import known
from bot.store.environments import identify
from bot.store.values import WHOLE_WORKFLOW
from planner.definition import Variable
from planner.variables import Effective, effective_variables, environment_text


@click.command(cls=Command)
@click.argument("alias", shell_complete=environment_aliases)
@click.pass_obj
def command(settings: Globals, alias: str) -> ExitCode:
    """Show each variable that ALIAS receives, its value, and where that comes from. Sensitive values are hidden.

    Outputs of other environments stand as the file names them: `headwater outputs` has their values.
    """
    session = Session(settings)
    reading = read_commit(session.project.repository, settings, work_tree=False)
    workflows = chosen_workflows(reading.require(), settings)
    workflow, environment = declared(workflows, alias)
    stored = known(session.project, kept=True)
    identity = identify(stored.rows, reading.definitions.workflows).same.get((workflow.file, environment.key))
    row = next((one for one in stored.rows if one.id == identity), None)
    kept = stored.kept.get(row.workflow_id, {}) if row else {}
    effective = effective_variables(
        workflow,
        environment,
        kept_workflow=kept.get(WHOLE_WORKFLOW, {}),
        kept_environment=kept.get(row.id, {}) if row else {},
    )
    if settings.json:
        print_json({"environment": environment.alias, "variables": [_as_json(one) for one in effective]})
        return ExitCode.DONE
    rows = [
        [one.variable.name, _value(one.variable), one.origin.value, Cell(", ".join(one.overrides), Tone.FAINT)]
        for one in effective
    ]
    if rows:
        say(table(["Variable", "Value", "From", "Instead of"], rows, width=terminal_width()))
    else:
        say(f"{environment.alias} receives no variables.")
    return ExitCode.DONE


def _value(variable: Variable) -> str | Cell:
    if variable.from_secret is not None:
        return Cell(f"secret {variable.from_secret}", Tone.WARN)
    return Cell("(sensitive)", Tone.FAINT) if variable.sensitive else environment_text(variable.value)


def _as_json(one: Effective) -> dict[str, object]:
    variable = one.variable
    hidden = variable.sensitive or variable.from_secret is not None
    return {
        "name": variable.name,
        "value": None if hidden else variable.value,
        "sensitive": hidden,
        "fromSecret": variable.from_secret,
        "origin": one.origin.value,
        "overrides": [origin.value for origin in one.overrides],
    }
