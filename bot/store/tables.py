"""The tables. Truth is rows: every state that anybody sees is read from here."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

repositories = Table(
    "repositories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(512), nullable=False, unique=True),
)

workflows = Table(
    "workflows",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", ForeignKey("repositories.id"), nullable=False),
    Column("file", Text, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("repository_id", "file"),
)

environments = Table(
    "environments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("workflow_id", ForeignKey("workflows.id"), nullable=False, index=True),
    Column("alias", Text, nullable=False),
    Column("alias_key", Text, nullable=False),
    Column("slug", String(64), nullable=False),
    Column("path", Text, nullable=False),
    Column("tool", String(32), nullable=False),
    Column("workspace", Text, nullable=False, default=""),
    Column("state_id", String(64), nullable=False),  # names its local state and its digest key; kept over a move
    Column("digest_key", LargeBinary, nullable=False),
    Column("deployed", Boolean, nullable=False, default=False),
    Column("unfinished", Boolean, nullable=False, default=False),  # left half done by a deploy or destroy
    Column("commit", String(64)),  # last deployed
    Column("deployed_at", Float),  # seconds since the epoch
    Column("last_task_id", Integer),  # its latest deploy or destroy
    Column("touches", Integer, nullable=False, default=0),  # grows when work on it begins and when it ends
    Column("success_id", Integer),  # the task of its last success that changed something
    Column(
        "seen", JSON, nullable=False, default=dict
    ),  # upstream environment id -> its success_id, at the last success
    Column("durations", JSON, nullable=False, default=dict),  # action -> seconds of the last success
    Column("detached", Boolean, nullable=False, default=False),
    Column("doubted", Boolean, nullable=False, default=False, server_default=false()),  # a backup was restored since
    Column("former", JSON),  # the names it had before; null where it had none
)
Index(
    "uq_environments_alias",
    environments.c.workflow_id,
    environments.c.alias_key,
    unique=True,
    sqlite_where=text("detached = 0"),
    postgresql_where=text("NOT detached"),
)

deployments = Table(
    "deployments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("workflow_id", ForeignKey("workflows.id"), nullable=False, index=True),
    Column("action", String(16), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("dirty", Boolean, nullable=False, default=False),
    Column("state", String(16), nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("place", Text, nullable=False),  # where its attempts run: only processes there drive it
    Column("auto_approve", Boolean, nullable=False, default=False),
    Column("fail_fast", Boolean, nullable=False, default=False),
    Column("jobs", Integer, nullable=False),
    Column("stop", String(8)),
    Column("judged_at", Float),  # when it was last known to be allowed; null: no command asked for it
    Column("withdrawn", Text, nullable=False, default="", server_default=text("''")),  # why nothing more may begin
    Column("unsure", Text, nullable=False, default="", server_default=text("''")),  # why it is not known whether it may
    Column("given", LargeBinary),  # the values of -v, encrypted
    Column("forget", JSON, nullable=False, default=list),  # names of kept values that it does without
    Column("keep_for", Integer),  # the environment whose -v values these are; null: the workflow's
    Column("retry_of", Integer),
    Column("pull_id", Integer, index=True),  # the pull request that it was asked for on
    Column("continuous", Boolean, nullable=False, default=False, server_default=false()),  # a push made it, no person
    Column("allowed", JSON),  # by which rules; null: an older Headwater wrote it
    Column("correlation", String(64), nullable=False, default="", server_default=text("''")),  # see bot/correlation.py
    Column("overtaken", Boolean, nullable=False, default=False, server_default=false()),  # unfinished in a backup
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
)

restores = Table(
    "restores",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("backup_at", Float),  # null: not known
    Column("restored_at", Float),  # null: this is a backup, which nobody has worked with yet
    Column(
        "heard_until", String(64), nullable=False, default="", server_default=text("''")
    ),  # GitHub's time, of its log
)

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("environment_id", ForeignKey("environments.id"), nullable=False, index=True),
    Column("commit", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("summary", JSON, nullable=False),
    Column("leaves", JSON, nullable=False),
    Column("unseen", JSON, nullable=False, default=list),
    Column("text", Text, nullable=False),
    Column("touches", Integer, nullable=False),  # the environment's when it was made: is it still the newest word?
    Column("created_at", Float, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("deployment_id", ForeignKey("deployments.id"), nullable=False),
    Column("environment_id", ForeignKey("environments.id"), nullable=False, index=True),
    Column("alias", Text, nullable=False),
    Column("action", String(16), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("source_commit", String(64), nullable=False),  # where its code is read; `commit` is where its definition is
    Column("position", Integer, nullable=False),
    Column("rank", Float, nullable=False, default=0.0),
    Column("state", String(16), nullable=False),
    Column("code", String(32), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("broken_by", JSON, nullable=False, default=list),
    Column("dirty", Boolean, nullable=False, default=True),
    Column("started", Boolean, nullable=False, default=False),  # it may have touched the environment
    Column("changed", Boolean, nullable=False, default=False),  # it did change something
    Column("requires_approval", Boolean, nullable=False, default=False),
    Column("awaited_output", Boolean, nullable=False, default=False),
    Column("shown_plan_id", ForeignKey("plans.id"), index=True),
    Column("plan_id", ForeignKey("plans.id"), index=True),  # the newest one
    Column("approved_plan_id", ForeignKey("plans.id"), index=True),
    Column("reasons", JSON, nullable=False, default=list),
    Column("upstreams", JSON, nullable=False, default=list),  # ids of all environments that it needs directly
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Index("ix_tasks_deployment_state", "deployment_id", "state", "rank"),
    Index("ix_tasks_dirty", "deployment_id", "dirty", "rank"),
)

task_needs = Table(
    "task_needs",
    metadata,
    Column("task_id", ForeignKey("tasks.id"), primary_key=True),
    Column("upstream_id", ForeignKey("tasks.id"), primary_key=True, index=True),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("task_id", ForeignKey("tasks.id"), nullable=False, index=True),
    Column("environment_id", ForeignKey("environments.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("mutates", Boolean, nullable=False),
    Column("touches", Integer, nullable=False),  # the environment's when it was made: what it plans is of then
    Column("active", Boolean, nullable=False, default=True),
    Column("claimed", Boolean, nullable=False, default=False),
    Column("revoked", Boolean, nullable=False, default=False),
    Column("refused", Boolean, nullable=False, default=False, server_default=false()),  # no other one is tried
    Column("ended", Boolean),
    Column("result", String(16)),
    Column("error", Text, nullable=False, default=""),
    Column("seal_key", LargeBinary, nullable=False),  # encrypted
    Column("sensitive", LargeBinary, nullable=False),  # what its logs must not show, encrypted
    Column("duration", Float),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Index("ix_attempts_active", "active"),
)
# Whatever else goes wrong, the database itself refuses a second attempt that may change an environment.
Index(
    "uq_attempts_one_mutating",
    attempts.c.environment_id,
    unique=True,
    sqlite_where=text("active = 1 AND mutates = 1"),
    postgresql_where=text("active AND mutates"),
)

outputs = Table(
    "outputs",
    metadata,
    Column("environment_id", ForeignKey("environments.id"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("sensitive", Boolean, nullable=False),
    Column("value", LargeBinary, nullable=False),  # JSON; encrypted where sensitive
    Column("digest", String(64), nullable=False),
)

kept_values = Table(
    "kept_values",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("workflow_id", ForeignKey("workflows.id"), nullable=False),
    Column("environment_id", Integer, nullable=False, default=0),  # 0: the whole workflow
    Column("name", String(255), nullable=False),
    Column("value", LargeBinary, nullable=False),  # encrypted
    Column("deployment_id", Integer, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("workflow_id", "environment_id", "name"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("deployment_id", Integer, index=True),
    Column("task_id", Integer),
    Column("alias", Text),
    Column("before", String(16)),
    Column("after", String(16)),
    Column("code", String(32)),
    Column("detail", Text, nullable=False, default=""),
    Column("actor", Text),
)

# Append-only: the database itself refuses to change or delete a row (see the migration that makes it). It refers to
# nothing by id, so that a row says for ever what it said when it was written.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Float, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("deed", String(16), nullable=False),
    Column("result", String(16), nullable=False),
    Column("repository", Text, nullable=False),
    Column("origin", Text, nullable=False),  # cli, #12, push to main
    Column("pull", Integer),  # its number
    Column("workflow", Text),  # its file
    Column("environment", Text),  # its alias; null: a command that named none was refused
    Column("commit", String(64)),
    Column("deployment", Integer),
    Column("allowed", JSON, nullable=False),  # by which rules
    Column("codes", JSON, nullable=False),  # why it came to that
    Column("detail", Text, nullable=False),
    Column("correlation", String(64), nullable=False),
    Index("ix_audit_refused", "repository", "result"),
)
