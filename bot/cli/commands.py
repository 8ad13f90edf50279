"""The table of all commands. A new command is one file in this package and one line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Section(StrEnum):
    """The headings of `headwater --help`, in their order."""

    LOOK = "Look"
    CHANGE = "Change"
    DEPLOYMENTS = "Deployments"
    SERVER = "Server"
    FILES = "CI and files"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command lives; its module has the click command as `command` and is imported only when called."""

    section: Section
    module: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "status": Entry(Section.LOOK, "bot.cli.status", "The state of every workflow and environment"),
    "graph": Entry(Section.LOOK, "bot.cli.graph", "Draw what needs what"),
    "affected": Entry(Section.LOOK, "bot.cli.affected", "What a change touches, and why"),
    "explain": Entry(Section.LOOK, "bot.cli.explain", "Why an environment is affected, waits or was skipped"),
    "outputs": Entry(Section.LOOK, "bot.cli.outputs", "The outputs of what is deployed"),
    "variables": Entry(Section.LOOK, "bot.cli.variables", "What an environment receives, and where each value is from"),
    "plan": Entry(Section.CHANGE, "bot.cli.plan", "Show what a deploy would do; changes nothing"),
    "deploy": Entry(Section.CHANGE, "bot.cli.deploy", "Deploy environments in dependency order"),
    "destroy": Entry(Section.CHANGE, "bot.cli.destroy", "Destroy environments, downstream first"),
    "adopt": Entry(Section.CHANGE, "bot.cli.adopt", "Record as deployed what exists already and plans no change"),
    "retry": Entry(Section.DEPLOYMENTS, "bot.cli.retry", "Run again what failed, and what that blocked"),
    "cancel": Entry(Section.DEPLOYMENTS, "bot.cli.cancel", "Stop a deployment gracefully"),
    "approve": Entry(Section.DEPLOYMENTS, "bot.cli.approve", "Let an environment that waits for approval go on"),
    "reject": Entry(Section.DEPLOYMENTS, "bot.cli.reject", "Cancel an environment that waits for approval"),
    "history": Entry(Section.DEPLOYMENTS, "bot.cli.history", "Past deployments, newest first"),
    "audit": Entry(Section.DEPLOYMENTS, "bot.cli.audit", "Who did what to which environment, and what let them"),
    "show": Entry(Section.DEPLOYMENTS, "bot.cli.show", "One deployment: its environments, plans and reasons"),
    "logs": Entry(Section.DEPLOYMENTS, "bot.cli.logs", "What the tool printed for an environment"),
    "setup": Entry(Section.SERVER, "bot.cli.setup", "Make the GitHub App in your browser, and keep its keys"),
    "serve": Entry(Section.SERVER, "bot.cli.serve", "Serve pull requests: web and workers in one"),
    "web": Entry(Section.SERVER, "bot.cli.web", "Only listen; for replicas, on PostgreSQL"),
    "worker": Entry(Section.SERVER, "bot.cli.worker", "Only work; for replicas, on PostgreSQL"),
    "backup": Entry(Section.SERVER, "bot.cli.backup", "Copy the server's SQLite database while it runs"),
    "restored": Entry(Section.SERVER, "bot.cli.restored", "Say that the database is a restored backup"),
    "deliveries": Entry(Section.SERVER, "bot.cli.deliveries", "The webhooks that came, and what became of them"),
    "init": Entry(Section.FILES, "bot.cli.init", "Find stacks and write a first headwater.yml"),
    "lint": Entry(Section.FILES, "bot.cli.lint", "Tell all problems of the workflow files"),
    "doctor": Entry(Section.FILES, "bot.cli.doctor", "Check git, tools, store and definitions"),
    "matrix": Entry(Section.FILES, "bot.cli.matrix", "What is affected, as job matrices for a CI"),
    "ci": Entry(Section.FILES, "bot.cli.ci", "Write a whole CI file for this repository"),
    "schema": Entry(Section.FILES, "bot.cli.schema", "The JSON Schema of workflow files, for editors"),
    "completion": Entry(Section.FILES, "bot.cli.completion", "A completion script for bash, zsh or fish"),
}
