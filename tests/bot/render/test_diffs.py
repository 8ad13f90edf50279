"""Plans as diffs: signs in front, colours as people know them."""

from __future__ import annotations

from inline_snapshot import snapshot

from bot.render.diffs import as_diff, plan_body, resource_line
from tests.bot.render.samples import DB_PLAN

PLAN = """\
  # aws_x.y must be replaced
-/+ resource "aws_x" "y" {
      ~ id    = "a" -> (known after apply)
      + tags  = {}
        # (3 unchanged attributes hidden)
      ~ notes = <<-EOT
            - keep
          - old line
          + new line
        EOT
      + script = <<-EOT
            - not a sign
            + nor this
        EOT
      - gone = <<-EOT
            text
        EOT -> null
    }
 <= data "aws_z" "z" {
    }
+/- resource "b"
~ output
# at the first column
"""


def test_signs_stand_in_front() -> None:
    assert as_diff(PLAN, "terraform") == snapshot("""\
  # aws_x.y must be replaced
-/+ resource "aws_x" "y" {
!       id    = "a" -> (known after apply)
+       tags  = {}
        # (3 unchanged attributes hidden)
!       notes = <<-EOT
            - keep
-           old line
+           new line
        EOT
+       script = <<-EOT
            - not a sign
            + nor this
        EOT
-       gone = <<-EOT
            text
        EOT -> null
    }
 <= data "aws_z" "z" {
    }
+/- resource "b"
! output
 # at the first column
""")


def test_other_tools_have_their_text() -> None:
    assert as_diff(PLAN, "script") == PLAN


def test_what_all_know_is_left_out() -> None:
    assert plan_body(DB_PLAN).lstrip().startswith("# aws_db_instance.main")
    assert plan_body("no preamble") == "no preamble"
    late = "x" * 5_000 + "Terraform will perform the following actions:\n"
    assert plan_body(late) == late


def test_resources_alone() -> None:
    shown = [
        resource_line("a.b", one)
        for one in (("create",), ("delete",), ("update",), ("delete", "create"), ("create", "delete"), ("odd",))
    ]
    assert shown == snapshot(["+ a.b", "- a.b", "! a.b", "-/+ a.b", "+/- a.b", "! a.b"])
