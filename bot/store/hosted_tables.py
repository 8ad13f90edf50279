"""The tables of the server: webhooks, work to do, pull requests, commands, what is posted, locks, jobs at a CI."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from bot.store.tables import metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("guid", String(64), nullable=False, unique=True),
    Column("event", String(64), nullable=False),
    Column("action", String(64), nullable=False, default=""),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", Float, nullable=False, index=True),
    Column("outcome", Text),  # null: not worked on yet
    Column("failed", Boolean, nullable=False, default=False),
)

work = Table(
    "work",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("key", String(255), nullable=False),
    Column("due_at", Float, nullable=False, index=True),
    Column("requested", Integer, nullable=False, default=1),  # grows with each request: one that comes meanwhile stays
    Column("attempts", Integer, nullable=False, default=0),
    Column("error", Text, nullable=False, default=""),
    Column("correlation", String(64), nullable=False, default="", server_default=text("''")),  # of whoever asked last
    Column("created_at", Float, nullable=False),
    Column("lane", String(32), nullable=False, default="", server_default=text("''")),  # lanes are worked on in turn
    UniqueConstraint("kind", "key"),
)

github_repositories = Table(
    "github_repositories",
    metadata,
    Column("repository_id", ForeignKey("repositories.id"), primary_key=True),
    Column("github_id", BigInteger, nullable=False, unique=True),
    Column("installation_id", BigInteger, nullable=False),
    Column("full_name", Text, nullable=False),
    Column("default_branch", Text, nullable=False),
    Column("clone_url", Text, nullable=False),
    Column("html_url", Text, nullable=False),
    Column("private", Boolean, nullable=False, default=True),
    Column("trouble", Text, nullable=False, default=""),  # why nothing can be done there: gone, suspended
)

pulls = Table(
    "pulls",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(16), nullable=False),  # open, closed, merged
    Column("draft", Boolean, nullable=False, default=False),
    Column("fork", Boolean, nullable=False, default=False),
    Column("title", Text, nullable=False, default=""),
    Column("author", Text, nullable=False),
    Column("last_pusher", Text, nullable=False, default=""),
    Column("head", String(64), nullable=False),
    Column("head_ref", Text, nullable=False),
    Column("base_ref", Text, nullable=False),
    Column("merge_commit", String(64)),
    Column("html_url", Text, nullable=False),
    Column("may_run", String(64)),  # the commit of a fork or draft that somebody who may said to plan
    Column("given", LargeBinary),  # the values of its last `/plan -v`, encrypted
    Column("forget", JSON, nullable=False, default=list),
    Column("plan_id", Integer),  # its newest row in pull_plans
    UniqueConstraint("repository_id", "number"),
)

pull_plans = Table(
    "pull_plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pull_id", ForeignKey("pulls.id"), nullable=False, index=True),
    Column("commit", String(64), nullable=False),
    Column("base", String(64), nullable=False),  # the merge base
    Column("deployments", JSON, nullable=False, default=list),
    Column("problems", JSON, nullable=False, default=list),
    Column("after_merge", JSON, nullable=False, default=list),
    Column("notices", JSON, nullable=False, default=list),
    Column("cautions", JSON, nullable=False, default=dict),  # deployment -> lines
    Column("held", JSON),  # aliases whose plans wait for the workflow file, if any do
    Column("created_at", Float, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id"), nullable=False),
    Column("number", Integer, nullable=False),  # of the pull request
    Column("comment_id", BigInteger, nullable=False),
    Column("line", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("verb", String(16), nullable=False),  # "" for one that could not be read
    Column("command", JSON, nullable=False),
    Column("seen", String(64)),  # the commit that our plan comment showed when this was written
    Column("state", String(16), nullable=False),  # new, waits, asked, going, done, refused
    Column("waits", Text, nullable=False, default=""),
    Column("answer", JSON, nullable=False, default=dict),
    Column("deployments", JSON, nullable=False, default=list),
    Column(
        "correlation", String(64), nullable=False, default="", server_default=text("''")
    ),  # of the webhook that brought it
    Column("created_at", Float, nullable=False),
    UniqueConstraint("repository_id", "comment_id", "line"),
    Index("ix_commands_pull", "repository_id", "number"),
)

stories = Table(
    "stories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("number", Integer),  # of the pull request that was merged; null: a direct push
    Column("actor", Text, nullable=False, default=""),
    Column("deployments", JSON, nullable=False, default=list),
    Column("said", JSON, nullable=False, default=list),
    Column("problems", JSON, nullable=False, default=list),
    Column("created_at", Float, nullable=False),
    UniqueConstraint("repository_id", "branch", "commit"),
)

publications = Table(
    "publications",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("key", String(255), nullable=False),
    Column("number", Integer),  # of the pull request
    Column("sha", String(64)),  # of what a check belongs to
    Column("github_id", BigInteger),
    Column("trying", Boolean, nullable=False, default=False),  # it may have been made without our hearing of it
    Column("digest", String(64), nullable=False, default=""),  # of what is posted; "" where it is to be told
    Column("posted_at", Float),
    Column("edits", JSON, nullable=False, default=list),  # when the newest ones were
    Column("not_before", Float),  # the next edit
    Column("shown", JSON, nullable=False, default=list),  # [GitHub's time, commit] of a plan comment
    UniqueConstraint("repository_id", "kind", "key"),
    Index("ix_publications_pull", "repository_id", "number"),
)

shows = Table(
    "shows",
    metadata,
    Column("publication_id", ForeignKey("publications.id"), primary_key=True),
    Column("deployment_id", Integer, primary_key=True, index=True, autoincrement=False),
)

locks = Table(
    "locks",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), primary_key=True, autoincrement=False),
    Column("pull_id", ForeignKey("pulls.id"), nullable=False, index=True),
    Column("deployment_id", Integer, nullable=False),
    Column("taken_at", Float, nullable=False),
)

dispatches = Table(
    "dispatches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("repository_id", ForeignKey("repositories.id"), nullable=False, index=True),
    Column("deployment_id", Integer, nullable=False, index=True),
    Column("state", String(16), nullable=False),  # new, unsure, sent, ended, failed
    Column("sent_at", Float),
    Column("run_id", BigInteger, index=True),
    Column("run_url", Text, nullable=False, default=""),
    Column("error", Text, nullable=False, default=""),
    Column("created_at", Float, nullable=False),
)

remote_attempts = Table(
    "remote_attempts",
    metadata,
    Column("attempt_id", ForeignKey("attempts.id"), primary_key=True),
    Column("repository_id", ForeignKey("repositories.id"), nullable=False),
    Column("deployment_id", Integer, nullable=False, index=True),
    Column("job", String(8), nullable=False),  # plan or deploy
    Column("slug", String(64), nullable=False),
    Column("runs_on", JSON, nullable=False),
    Column("environment", Text, nullable=False),
    Column("spec", LargeBinary),  # encrypted; gone once the attempt has ended
    Column("dispatch_id", ForeignKey("dispatches.id"), index=True),
    Column("offered_at", Float, nullable=False),
    Column("token_hash", String(64)),
    Column("nonce", String(64)),  # of the runner that claimed it: it may ask again if it heard no answer
    Column("claimed", Boolean, nullable=False, default=False),
    Column("run_id", BigInteger),
    Column("job_id", BigInteger),
    Column("job_url", Text, nullable=False, default=""),
    Column("job_ended", Boolean, nullable=False, default=False),
    Column("held", Boolean, nullable=False, default=False, server_default=false()),  # its job waits for GitHub's rules
    Column("refused", Boolean, nullable=False, default=False, server_default=false()),  # which said no
    Column("beats", Integer, nullable=False, default=0),
    Column("stop", String(8)),
    Column("revoked", Boolean, nullable=False, default=False),
    Column("why", Text, nullable=False, default=""),
    Column("report", LargeBinary),
    Column("log_size", Integer, nullable=False, default=0),
)

attempt_logs = Table(
    "attempt_logs",
    metadata,
    Column("attempt_id", ForeignKey("attempts.id"), primary_key=True),
    Column("place", Integer, primary_key=True, autoincrement=False),  # the offset of its first byte
    Column("data", LargeBinary, nullable=False),
)
