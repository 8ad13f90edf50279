"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=True),
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("before", sa.String(length=16), nullable=True),
        sa.Column("after", sa.String(length=16), nullable=True),
        sa.Column("code", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index(op.f("ix_events_deployment_id"), "events", ["deployment_id"], unique=False)
    op.create_table(
        "repositories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repositories")),
        sa.UniqueConstraint("key", name=op.f("uq_repositories_key")),
    )
    op.create_table(
        "workflows",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["repository_id"], ["repositories.id"], name=op.f("fk_workflows_repository_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workflows")),
        sa.UniqueConstraint("repository_id", "file", name=op.f("uq_workflows_repository_id_file")),
    )
    op.create_table(
        "deployments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("auto_approve", sa.Boolean(), nullable=False),
        sa.Column("fail_fast", sa.Boolean(), nullable=False),
        sa.Column("jobs", sa.Integer(), nullable=False),
        sa.Column("stop", sa.String(length=8), nullable=True),
        sa.Column("given", sa.LargeBinary(), nullable=True),
        sa.Column("forget", sa.JSON(), nullable=False),
        sa.Column("keep_for", sa.Integer(), nullable=True),
        sa.Column("retry_of", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("fk_deployments_workflow_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deployments")),
    )
    op.create_index(op.f("ix_deployments_state"), "deployments", ["state"], unique=False)
    op.create_index(op.f("ix_deployments_workflow_id"), "deployments", ["workflow_id"], unique=False)
    op.create_table(
        "environments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.Integer(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("alias_key", sa.Text(), nullable=False),
        sa.Column("slug", sa.String(length=64), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("tool", sa.String(length=32), nullable=False),
        sa.Column("workspace", sa.Text(), nullable=False),
        sa.Column("state_id", sa.String(length=64), nullable=False),
        sa.Column("digest_key", sa.LargeBinary(), nullable=False),
        sa.Column("deployed", sa.Boolean(), nullable=False),
        sa.Column("unfinished", sa.Boolean(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=True),
        sa.Column("deployed_at", sa.Float(), nullable=True),
        sa.Column("last_task_id", sa.Integer(), nullable=True),
        sa.Column("touches", sa.Integer(), nullable=False),
        sa.Column("success_id", sa.Integer(), nullable=True),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("durations", sa.JSON(), nullable=False),
        sa.Column("detached", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("fk_environments_workflow_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
    )
    op.create_index(op.f("ix_environments_workflow_id"), "environments", ["workflow_id"], unique=False)
    op.create_index(
        "uq_environments_alias",
        "environments",
        ["workflow_id", "alias_key"],
        unique=True,
        sqlite_where=sa.text("detached = 0"),
        postgresql_where=sa.text("NOT detached"),
    )
    op.create_table(
        "kept_values",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workflow_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["workflow_id"], ["workflows.id"], name=op.f("fk_kept_values_workflow_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_values")),
        sa.UniqueConstraint(
            "workflow_id", "environment_id", "name", name=op.f("uq_kept_values_workflow_id_environment_id_name")
        ),
    )
    op.create_table(
        "outputs",
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_outputs_environment_id")),
        sa.PrimaryKeyConstraint("environment_id", "name", name=op.f("pk_outputs")),
    )
    op.create_table(
        "plans",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("summary", sa.JSON(), nullable=False),
        sa.Column("leaves", sa.JSON(), nullable=False),
        sa.Column("unseen", sa.JSON(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("touches", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_plans_environment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
    )
    op.create_index(op.f("ix_plans_environment_id"), "plans", ["environment_id"], unique=False)
    op.create_table(
        "tasks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("deployment_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("source_commit", sa.String(length=64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("broken_by", sa.JSON(), nullable=False),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("requires_approval", sa.Boolean(), nullable=False),
        sa.Column("awaited_output", sa.Boolean(), nullable=False),
        sa.Column("shown_plan_id", sa.Integer(), nullable=True),
        sa.Column("plan_id", sa.Integer(), nullable=True),
        sa.Column("approved_plan_id", sa.Integer(), nullable=True),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("upstreams", sa.JSON(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["approved_plan_id"], ["plans.id"], name=op.f("fk_tasks_approved_plan_id")),
        sa.ForeignKeyConstraint(["deployment_id"], ["deployments.id"], name=op.f("fk_tasks_deployment_id")),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_tasks_environment_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_tasks_plan_id")),
        sa.ForeignKeyConstraint(["shown_plan_id"], ["plans.id"], name=op.f("fk_tasks_shown_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    op.create_index("ix_tasks_deployment_state", "tasks", ["deployment_id", "state"], unique=False)
    op.create_index("ix_tasks_dirty", "tasks", ["deployment_id", "dirty"], unique=False)
    op.create_index(op.f("ix_tasks_environment_id"), "tasks", ["environment_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("environment_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("mutates", sa.Boolean(), nullable=False),
        sa.Column("touches", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("claimed", sa.Boolean(), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=True),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("seal_key", sa.LargeBinary(), nullable=False),
        sa.Column("sensitive", sa.LargeBinary(), nullable=False),
        sa.Column("duration", sa.Float(), nullable=True),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["environment_id"], ["environments.id"], name=op.f("fk_attempts_environment_id")),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_attempts_task_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    op.create_index("ix_attempts_active", "attempts", ["active"], unique=False)
    op.create_index(op.f("ix_attempts_task_id"), "attempts", ["task_id"], unique=False)
    op.create_index(
        "uq_attempts_one_mutating",
        "attempts",
        ["environment_id"],
        unique=True,
        sqlite_where=sa.text("active = 1 AND mutates = 1"),
        postgresql_where=sa.text("active AND mutates"),
    )
    op.create_table(
        "task_needs",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("upstream_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_task_needs_task_id")),
        sa.ForeignKeyConstraint(["upstream_id"], ["tasks.id"], name=op.f("fk_task_needs_upstream_id")),
        sa.PrimaryKeyConstraint("task_id", "upstream_id", name=op.f("pk_task_needs")),
    )
    op.create_index(op.f("ix_task_needs_upstream_id"), "task_needs", ["upstream_id"], unique=False)


def downgrade() -> None:
    """Drop all tables."""
    op.drop_index(op.f("ix_task_needs_upstream_id"), table_name="task_needs")
    op.drop_table("task_needs")
    op.drop_index(
        "uq_attempts_one_mutating",
        table_name="attempts",
        sqlite_where=sa.text("active = 1 AND mutates = 1"),
        postgresql_where=sa.text("active AND mutates"),
    )
    op.drop_index(op.f("ix_attempts_task_id"), table_name="attempts")
    op.drop_index("ix_attempts_active", table_name="attempts")
    op.drop_table("attempts")
    op.drop_index(op.f("ix_tasks_environment_id"), table_name="tasks")
    op.drop_index("ix_tasks_dirty", table_name="tasks")
    op.drop_index("ix_tasks_deployment_state", table_name="tasks")
    op.drop_table("tasks")
    op.drop_index(op.f("ix_plans_environment_id"), table_name="plans")
    op.drop_table("plans")
    op.drop_table("outputs")
    op.drop_table("kept_values")
    op.drop_index(
        "uq_environments_alias",
        table_name="environments",
        sqlite_where=sa.text("detached = 0"),
        postgresql_where=sa.text("NOT detached"),
    )
    op.drop_index(op.f("ix_environments_workflow_id"), table_name="environments")
    op.drop_table("environments")
    op.drop_index(op.f("ix_deployments_workflow_id"), table_name="deployments")
    op.drop_index(op.f("ix_deployments_state"), table_name="deployments")
    op.drop_table("deployments")
    op.drop_table("workflows")
    op.drop_table("repositories")
    op.drop_index(op.f("ix_events_deployment_id"), table_name="events")
    op.drop_table("events")
