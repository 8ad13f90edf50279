"""An attempt from claim to report, with scripts as the tool."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from bot.runner import channel
from bot.runner.checkout import clean
from bot.runner.log import finish_log
from tests.bot.runner.conftest import World
from tests.waiting import until

SECRET = "correct horse battery"
SENSITIVE = [{"name": "PASSWORD", "value": SECRET, "sensitive": True}]


def simple(world: World, **texts: str) -> None:
    world.script(**{"plan": "echo would change; exit 2", "apply": "echo applied", "destroy": "echo gone", **texts})


def test_a_deploy_plans_applies_and_reads_the_outputs(world: World) -> None:
    simple(world, outputs="""echo '{"port": 80, "key": {"value": "hush-hush", "sensitive": true}}'""")
    attempt = world.attempt()
    report = attempt.run()
    assert report["result"] == "succeeded"
    assert report["applied"]
    assert report["error"] is None
    assert report["plan"]["text"] == "would change\n"
    assert report["plan"]["unseen"] == []  # nothing was shown that it could differ from
    assert report["outputs"] == {
        "port": {"value": 80, "sensitive": False},
        "key": {"value": "hush-hush", "sensitive": True},
    }
    assert 0 < report["plan_duration"] < report["duration"]
    assert "applied" in attempt.log
    assert b"hush" not in (attempt.folder / "report.json").read_bytes()
    assert world.worktrees() == []


def test_no_changes_applies_nothing_and_still_tells_the_outputs(world: World) -> None:
    simple(world, plan="exit 0", apply="touch $MARK", outputs="echo '{\"a\": 1}'")
    mark = world.folder / "mark"
    report = world.attempt(variables=[{"name": "MARK", "value": str(mark)}]).run()
    assert (report["result"], report["applied"]) == ("no changes", False)
    assert report["outputs"] == {"a": {"value": 1, "sensitive": False}}
    assert not mark.exists()


def test_a_plan_attempt_never_applies(world: World) -> None:
    simple(world)
    report = world.attempt(kind="plan").run()
    assert (report["result"], report["applied"], report["outputs"]) == ("succeeded", False, None)


def test_what_was_shown_is_applied_and_what_differs_asks(world: World) -> None:
    simple(world, plan="echo size $SIZE; exit 2")

    def run(size: int, **spec: object) -> dict[str, object]:
        return world.attempt(variables=[{"name": "SIZE", "value": size}], **spec).run()

    shown = run(1, kind="plan")["plan"]
    same = run(1, accept={"shown": shown["leaves"]})
    other = run(2, accept={"shown": shown["leaves"]})
    assert (same["result"], same["plan"]["digest"]) == ("succeeded", shown["digest"])
    assert same["plan"]["unseen"] == []
    assert (other["result"], other["applied"]) == ("needs approval", False)
    assert other["plan"]["unseen"] == ["stdout"]
    assert other["plan"]["digest"] != shown["digest"]


def test_colours_do_not_change_the_digest(world: World) -> None:
    simple(world, plan=r"printf '\033[31mred\033[0m\n'; exit 2")
    coloured = world.attempt(kind="plan").run()["plan"]
    simple(world, plan="echo red; exit 2")
    assert world.attempt(kind="plan").run()["plan"]["digest"] == coloured["digest"]
    assert coloured["text"] == "red\n"


def test_a_script_may_tell_its_counts_and_then_go_on_unseen(world: World) -> None:
    accept = {"unseen": "creates"}
    simple(world, plan="echo 'Plan: 2 to add, 0 to change, 0 to destroy.'; exit 2")
    report = world.attempt(accept=accept).run()
    assert (report["result"], report["plan"]["add"]) == ("succeeded", 2)
    simple(world, plan="echo 'Plan: 2 to add, 1 to change, 0 to destroy.'; exit 2")
    assert world.attempt(accept=accept).run()["result"] == "needs approval"
    simple(world)
    assert world.attempt(accept=accept).run()["result"] == "needs approval"


def test_destroy_shows_one_line_or_its_own_plan(world: World) -> None:
    simple(world)
    attempt = world.attempt(kind="destroy")
    report = attempt.run()
    assert (report["result"], report["plan"]["text"], report["outputs"]) == ("succeeded", "destroy svc", {})
    assert report["plan"]["destroy"] == 1
    assert "gone" in attempt.log
    simple(world, plan_destroy="exit 0")
    assert world.attempt(kind="destroy").run()["result"] == "no changes"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"plan": "echo broken >&2; exit 7"}, "`plan` failed (exit code 7).\n\nbroken"),
        ({"plan": "echo so it said; exit 7"}, "`plan` failed (exit code 7).\n\nso it said"),
        ({"plan": "kill -SEGV $$"}, "`plan` failed (killed by SIGSEGV)."),
        ({"apply": "exit 1"}, "`apply` failed (exit code 1)."),
        ({"outputs": "echo oops"}, "did not print JSON"),
        ({"outputs": "echo []"}, "must print a JSON object"),
    ],
)
def test_a_failing_script_is_told_with_its_last_words(world: World, texts: dict[str, str], said: str) -> None:
    simple(world, **texts)
    report = world.attempt().run()
    assert report["result"] == "failed"
    assert said in report["error"]


def test_wrong_folders_and_executables_are_told_with_the_mend(world: World) -> None:
    world.commit({"svc/plan": "#!/bin/sh\n"})
    assert "git update-index --chmod=+x plan" in world.attempt().run()["error"]
    world.commit({"bad/plan": "no shebang"}, ("bad/plan",))
    assert "cannot be started" in world.attempt(path="bad").run()["error"]
    assert "There is no folder 'nowhere'" in world.attempt(path="nowhere").run()["error"]
    (world.repo / "out").symlink_to("..")
    world.commit({})
    assert "leads out of the repository" in world.attempt(path="out").run()["error"]
    assert "leads out of the repository" in world.attempt(path="../..").run()["error"]
    assert "could not be checked out" in world.attempt(commit="0" * 40).run()["error"]
    assert "helm environments cannot be deployed yet" in world.attempt(tool="helm").run()["error"]
    assert world.worktrees() == []


def test_the_tool_gets_variables_and_no_token(world: World) -> None:
    simple(world, apply="env", plan="exit 2")
    attempt = world.attempt(
        variables=[
            {"name": "LIST", "value": ["a", 1]},
            {"name": "YES", "value": True},
            {"name": "NOTHING", "value": None},
            *SENSITIVE,
        ]
    )
    attempt.environment |= {
        "GITHUB_TOKEN": "ghs_abc",
        "ACTIONS_RUNTIME_TOKEN": "abc",
        "HEADWATER_DATABASE_URL": "x",
        "TF_CLI_ARGS": "-destroy",
        "GIT_DIR": "/nowhere",
        "OWN_THING": "kept",
    }
    attempt.run()
    lines = attempt.log.splitlines()
    assert {'LIST=["a",1]', "YES=true", "NOTHING=", "PASSWORD=***", "OWN_THING=kept"} <= set(lines)
    assert not [one for one in lines if one.startswith(("GITHUB_TOKEN", "ACTIONS_", "HEADWATER_", "TF_", "GIT_DIR"))]


def test_sensitive_values_are_in_nothing_that_is_left(world: World) -> None:
    simple(
        world,
        plan='echo "will set $PASSWORD"; exit 2',
        apply='echo "$PASSWORD" | base64; printf "$PASSWORD"',
        outputs="""printf '{"dsn": "postgres://%s@db"}' "$PASSWORD" """,
    )
    attempt = world.attempt(variables=SENSITIVE)
    report = attempt.run()
    assert report["outputs"]["dsn"] == {"value": f"postgres://{SECRET}@db", "sensitive": True}
    assert report["plan"]["text"] == "will set ***\n"
    for name in attempt.left:
        data = (attempt.folder / name).read_bytes()
        assert SECRET.encode() not in data
        assert b"Y29ycmVjdCBob3JzZSBiYXR0ZXJ5" not in data


@pytest.mark.parametrize("after", [10, 64 * 1024 - len(SECRET) // 2])
def test_what_a_failed_plan_wrote_hides_what_is_sensitive_wherever_it_stands(world: World, after: int) -> None:
    simple(world, plan=f"printf %s \"$PASSWORD\"; head -c {after} /dev/zero | tr '\\0' x; exit 7")
    attempt = world.attempt(variables=SENSITIVE)
    assert attempt.run()["result"] == "failed"
    assert SECRET[-len(SECRET) // 2 :] not in attempt.log
    assert "***x" in attempt.log


def test_an_output_that_proves_sensitive_is_taken_out_of_the_log_and_the_plan(world: World) -> None:
    simple(
        world,
        plan="echo hush-hush-value; exit 2",
        apply="echo made hush-hush-value",
        outputs="""echo '{"key": {"value": "hush-hush-value", "sensitive": true}}'""",
    )
    attempt = world.attempt()
    assert attempt.run()["plan"]["text"] == "***\n"
    assert attempt.log == "made ***\n"


def test_short_sensitive_values_are_refused(world: World) -> None:
    simple(world)
    report = world.attempt(variables=[{"name": "PIN", "value": "1234", "sensitive": True}]).run()
    assert "fewer than 6 characters" in report["error"]
    assert "1234" not in report["error"]


def test_non_utf8_and_control_characters_do_not_reach_the_log(world: World) -> None:
    simple(world, apply=r"printf 'caf\351 \033[31mred\033[0m \033]0;title\007bell\007\r\nnext\303'")
    attempt = world.attempt()
    attempt.run()
    assert attempt.log == "caf� red bell\nnext�"


def test_a_hundred_megabytes_of_output_are_bounded(world: World) -> None:
    line = "x" * 99
    simple(world, apply=f"echo first; yes {line} | head -c 100000000; echo last $PASSWORD")
    attempt = world.attempt(variables=SENSITIVE, log_limit=1_000_000)
    report = attempt.run()
    log = attempt.log
    assert report["result"] == "succeeded"
    assert len(log) < 1_000_100
    assert log.startswith("first\n")
    assert log.endswith("last ***\n")
    assert "bytes are left out here" in log


def test_a_huge_plan_is_cut_for_people_and_compared_whole(world: World) -> None:
    simple(world, plan="yes 'more and more of it' | head -c 20000000; echo $LAST; exit 2")
    plans = [
        world.attempt(kind="plan", variables=[{"name": "LAST", "value": last}]).run()["plan"]
        for last in ("a", "b", "a")
    ]
    assert len(plans[0]["text"]) < 1_100_000
    assert plans[0]["text"].endswith("more characters are left out here ...")
    assert plans[0]["digest"] == plans[2]["digest"] != plans[1]["digest"]


def test_folders_that_a_tool_made_read_only_are_removed(world: World) -> None:
    outside = world.folder / "outside"
    outside.mkdir(mode=0o755)
    simple(world, apply=f"mkdir -p cache/deep; touch cache/deep/file; ln -s {outside} cache; chmod -R a-rwx cache/deep")
    assert world.attempt().run()["result"] == "succeeded"
    assert outside.stat().st_mode & 0o777 == 0o755


def test_a_link_in_the_place_of_the_worktree_is_not_followed(world: World) -> None:
    inner = world.folder / "outside" / "inner"
    inner.mkdir(mode=0o755, parents=True)
    simple(world, apply=f"mv ../../work ../../moved; ln -s {inner.parent} ../../work")
    attempt = world.attempt()
    attempt.start()
    assert attempt.wait() == 0
    assert not (attempt.folder / "work").is_symlink()
    assert inner.stat().st_mode & 0o777 == 0o755


def test_an_apply_is_reported_where_its_log_cannot_be_hidden_and_the_log_is_not_shown(world: World) -> None:
    """As on a full disk: the log cannot be written anew without an output that proved sensitive."""
    simple(
        world,
        apply="ln -s nowhere ../../log.whole; echo made hush-hush-value",
        outputs="""echo '{"key": {"value": "hush-hush-value", "sensitive": true}}'""",
    )
    attempt = world.attempt()
    attempt.start()
    assert attempt.wait() == 0
    assert attempt.report["outputs"]["key"]["value"] == "hush-hush-value"
    assert not {"log", "raw"} & attempt.left


@pytest.mark.parametrize("printed", [r'{"a\u0000b": 1}', '{"": 1}', '{"a": NaN}', '{"%s": 1}' % ("x" * 256)])
def test_outputs_that_no_store_could_keep_are_told(world: World, printed: str) -> None:
    simple(world, outputs=f"cat <<'END'\n{printed}\nEND")
    report = world.attempt().run()
    assert report["result"] == "failed"
    assert "`outputs` in 'svc'" in report["error"]


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"attempt": "a"}', b"\xff", b'{"kind": "plan"}'])
def test_a_broken_spec_touches_nothing(world: World, data: bytes) -> None:
    attempt = world.attempt()
    attempt.start(data)
    assert attempt.wait() == 2
    assert attempt.left == set()
    assert "nothing was touched" in attempt.said


def test_wrong_use_is_told() -> None:
    found = subprocess.run([sys.executable, "-m", "bot.runner", "local"], capture_output=True, check=False)
    assert found.returncode == 2
    assert b"usage" in found.stderr


def test_of_two_runners_one_does_it(world: World) -> None:
    simple(world, apply="echo x >> $MARK")
    mark = world.folder / "mark"
    first = world.attempt(variables=[{"name": "MARK", "value": str(mark)}])
    runners = [first.start() for _ in range(4)]
    codes = sorted(one.wait(30) for one in runners)
    for one in runners:
        assert one.stderr
        one.stderr.close()
    assert codes == [0, 3, 3, 3]
    assert mark.read_text() == "x\n"


def test_a_finished_attempt_is_not_done_again(world: World) -> None:
    simple(world, apply="echo x >> $MARK")
    mark = world.folder / "mark"
    attempt = world.attempt(variables=[{"name": "MARK", "value": str(mark)}])
    attempt.run()
    before = (attempt.folder / "report.json").read_bytes()
    attempt.start()
    assert attempt.wait() == 3
    assert (attempt.folder / "report.json").read_bytes() == before
    assert mark.read_text() == "x\n"


def test_a_revoked_attempt_never_starts(world: World) -> None:
    simple(world)
    attempt = world.attempt()
    assert channel.revoke(attempt.folder)
    assert not channel.revoke(attempt.folder)
    attempt.start()
    assert attempt.wait() == 3
    claim = channel.read_claim(attempt.folder)
    assert claim
    assert claim.revoked
    assert not (attempt.folder / "log").exists()


def test_a_claimed_attempt_cannot_be_revoked(world: World) -> None:
    mark = world.folder / "mark"
    simple(world, apply=f"touch {mark}; sleep 30")
    attempt = world.attempt(beat_every=0.1)
    process = attempt.start()
    attempt.tool_runs(mark)
    assert not channel.revoke(attempt.folder)
    claim = channel.read_claim(attempt.folder)
    assert claim
    assert claim.runner
    assert (claim.revoked, claim.runner.pid, claim.runner.alive) == (False, process.pid, True)
    first = channel.read_beat(attempt.folder)
    assert first is not None
    until(lambda: (channel.read_beat(attempt.folder) or 0) > first)
    channel.ask_stop(attempt.folder, kill=True)
    assert attempt.wait() == 0
    assert not claim.runner.alive
    assert not channel.still_locked(attempt.folder)


def test_the_tool_outlives_its_runner_and_keeps_the_lock(world: World) -> None:
    mark, go = world.folder / "mark", world.folder / "go"
    simple(
        world, apply=f"echo begun $PASSWORD; touch {mark}; while [ ! -e {go} ]; do sleep .05; done; echo $PASSWORD end"
    )
    attempt = world.attempt(variables=SENSITIVE)
    process = attempt.start()
    attempt.tool_runs(mark)
    process.kill()
    attempt.wait()
    assert channel.still_locked(attempt.folder)
    go.touch()
    until(lambda: not channel.still_locked(attempt.folder))
    assert channel.read_report(attempt.folder, b"s" * 32) is None
    finish_log(attempt.folder, [SECRET])
    clean(attempt.folder)
    clean(attempt.folder)
    assert attempt.log == "begun ***\n*** end\n"
    assert attempt.left == {"lock", "claim", "tool", "beat", "log"}
    assert world.worktrees() == []


def test_the_tool_of_a_dead_runner_can_be_signalled(world: World) -> None:
    mark = world.folder / "mark"
    simple(world, apply=f"sleep .3; touch {mark}; sleep 60")
    attempt = world.attempt()
    process = attempt.start()
    attempt.tool_runs(mark)
    until(lambda: (tool := channel.read_tool(attempt.folder)) and tool.alive)
    process.kill()
    attempt.wait()
    assert channel.signal_tool(attempt.folder, signal.SIGINT)
    until(lambda: not channel.still_locked(attempt.folder))
    assert not channel.signal_tool(attempt.folder, signal.SIGINT)


def test_another_process_of_the_same_number_is_not_signalled(world: World) -> None:
    other = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        folder = world.attempt().folder
        (folder / "tool").write_text(f'{{"host": "{channel.host()}", "pid": {other.pid}, "started": "1"}}')
        assert not channel.signal_tool(folder, signal.SIGKILL)
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize("how", ["file", "SIGTERM", "SIGINT"])
def test_a_stop_interrupts_the_tool_which_may_finish_its_work(world: World, how: str) -> None:
    mark, saved = world.folder / "mark", world.folder / "saved"
    simple(world, apply=f"trap 'touch {saved}; exit 5' INT; touch {mark}; while :; do sleep .05; done")
    attempt = world.attempt()
    process = attempt.start()
    attempt.tool_runs(mark)
    if how == "file":
        channel.ask_stop(attempt.folder)
    else:
        process.send_signal(signal.Signals[how])
    assert attempt.wait() == 0
    assert saved.exists()
    assert (attempt.report["result"], attempt.report["applied"]) == ("cancelled", True)
    assert "what it changed until then stays" in attempt.report["error"]


def test_a_tool_that_succeeds_in_spite_of_the_stop_has_succeeded(world: World) -> None:
    mark = world.folder / "mark"
    simple(
        world,
        apply=f"trap 'exit 0' INT; touch {mark}; while :; do sleep .05; done",
        outputs="echo '{\"a\": 1}'",
    )
    attempt = world.attempt()
    attempt.start()
    attempt.tool_runs(mark)
    channel.ask_stop(attempt.folder)
    attempt.wait()
    assert attempt.report["result"] == "succeeded"
    assert attempt.report["outputs"] == {"a": {"value": 1, "sensitive": False}}


def test_a_tool_that_does_not_listen_is_killed_after_its_grace(world: World) -> None:
    mark = world.folder / "mark"
    simple(world, apply=f"trap '' INT; touch {mark}; sleep 60; sleep 60")
    attempt = world.attempt(grace=0.3)
    attempt.start()
    attempt.tool_runs(mark)
    channel.ask_stop(attempt.folder)
    assert attempt.wait(10) == 0
    assert attempt.report["result"] == "cancelled"
    assert not channel.still_locked(attempt.folder)


def test_a_kill_does_not_wait_for_the_grace(world: World) -> None:
    mark = world.folder / "mark"
    simple(world, apply=f"trap '' INT; touch {mark}; sleep 60; sleep 60")
    attempt = world.attempt()
    attempt.start()
    attempt.tool_runs(mark)
    channel.ask_stop(attempt.folder)
    until(lambda: "asked to stop" in attempt.log)
    channel.ask_stop(attempt.folder, kill=True)
    assert attempt.wait(10) == 0
    assert attempt.report["result"] == "cancelled"


def test_a_tool_that_hangs_times_out(world: World) -> None:
    simple(world, plan="sleep 60")
    report = world.attempt(timeout=0.5, grace=1).run()
    assert (report["result"], report["applied"]) == ("timed out", False)
    assert "timeout of 0.5 s" in report["error"]


def test_a_stop_before_the_start_starts_nothing(world: World) -> None:
    simple(world)
    attempt = world.attempt()
    channel.ask_stop(attempt.folder)
    assert attempt.run()["result"] == "cancelled"
    assert attempt.log == ""


def test_many_attempts_share_one_mirror_at_once(world: World) -> None:
    simple(world, apply="cat ../README; sleep .1")
    attempts = [world.attempt() for _ in range(12)]
    for attempt in attempts:
        attempt.start()
    assert [attempt.wait() for attempt in attempts] == [0] * 12
    assert {attempt.report["result"] for attempt in attempts} == {"succeeded"}
    assert world.worktrees() == []


def test_no_hook_and_no_filter_of_this_machine_runs(world: World, tmp_path: Path) -> None:
    mark = tmp_path / "hooked"
    hook = world.mirror / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {mark}\n")
    hook.chmod(0o755)
    home = tmp_path / "home"
    home.mkdir()
    (home / ".gitconfig").write_text(f'[filter "evil"]\nsmudge = touch {mark}; cat\n')
    world.commit({"svc/.gitattributes": "* filter=evil\n", "svc/data": "x"})
    simple(world)
    attempt = world.attempt()
    attempt.environment["HOME"] = str(home)
    assert attempt.run()["result"] == "succeeded"
    assert not mark.exists()


def test_a_defect_of_the_runner_is_reported_with_its_traceback(world: World) -> None:
    attempt = world.attempt()
    (attempt.folder / "scratch").mkdir()
    report = attempt.run()
    assert report["result"] == "failed"
    assert "FileExistsError" in report["error"]


def test_a_tool_may_run_git_at_its_commit(world: World) -> None:
    simple(world, apply="git rev-parse HEAD")
    attempt = world.attempt()
    attempt.run()
    assert attempt.log.strip() == attempt.spec["commit"]


def test_files_of_an_attempt_are_for_its_owner_alone(world: World) -> None:
    seen: set[str] = set()
    mark, go = world.folder / "mark", world.folder / "go"
    simple(world, apply=f"touch {mark}; while [ ! -e {go} ]; do sleep .05; done")
    attempt = world.attempt()
    attempt.start()
    attempt.tool_runs(mark)
    for name in ("raw", "log", "claim", "beat", "lock"):
        assert (attempt.folder / name).stat().st_mode & 0o777 == 0o600, name
        seen.add(name)
    go.touch()
    attempt.wait()
    assert (attempt.folder / "report.json").stat().st_mode & 0o777 == 0o600


def test_the_log_can_be_followed_while_the_tool_runs(world: World) -> None:
    go = world.folder / "go"
    simple(world, apply=f"echo so far; while [ ! -e {go} ]; do sleep .05; done")
    attempt = world.attempt()
    attempt.start()
    until(lambda: (attempt.folder / "log").exists() and "so far" in attempt.log)
    timer = threading.Timer(0, go.touch)
    timer.start()
    assert attempt.wait() == 0
    timer.join()


@pytest.mark.parametrize("at", range(1, 5))
def test_killed_at_any_start_of_a_process_an_attempt_can_be_followed_by_another(world: World, at: int) -> None:
    """The points are: check out, `plan`, `apply`, `outputs`."""
    mark = world.folder / "mark"
    simple(world, apply=f"echo x >> {mark}", outputs="echo '{}'")
    attempt = world.attempt()
    names = world.folder / "points"
    attempt.environment |= {"HEADWATER_CRASH_AT": str(at), "HEADWATER_CRASH_LOG": str(names)}
    attempt.start()
    assert attempt.wait() == -signal.SIGKILL
    started = ["start git", "start plan", "start apply", "start outputs"]
    assert [line.split(maxsplit=2)[2].strip() for line in names.read_text().splitlines()] == started[:at]
    assert not channel.still_locked(attempt.folder)
    assert channel.read_report(attempt.folder, b"s" * 32) is None
    assert mark.exists() is (at > 3)
    finish_log(attempt.folder, [])
    clean(attempt.folder)
    assert world.worktrees() == []
    assert world.attempt().run()["result"] == "succeeded"


def test_what_a_full_disk_left_is_cleaned_where_it_is_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, elsewhere = tmp_path / "attempt", tmp_path / "elsewhere"
    for made in (folder / "work", elsewhere / "headwater/worktrees/attempt", elsewhere / "worktrees/attempt"):
        made.mkdir(parents=True)
    (folder / "mirror").touch()
    monkeypatch.chdir(elsewhere)
    clean(folder)
    assert not any(folder.iterdir())
    assert {one.name for one in elsewhere.iterdir()} == {"headwater", "worktrees"}
    assert (elsewhere / "headwater/worktrees/attempt").is_dir()
    assert (elsewhere / "worktrees/attempt").is_dir()
