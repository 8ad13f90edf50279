"""A job that is told to stop, whose line is cut, whose log and report have their bounds."""

from __future__ import annotations

import signal
import time
from typing import Any

import pytest

from tests.bot.runner.bot_server import dripping, dropped, lost, refused, slow
from tests.bot.runner.jobs.conftest import World
from tests.waiting import until


def test_a_stop_comes_with_a_beat_and_leaves_the_tool_its_grace(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap 'echo saved; exit 1' INT; touch {mark}; while :; do sleep .1; done")
    offer = world.offer()
    job = world.job(offer)
    until(mark.exists)
    offer.stop = "stop"
    assert job.wait() == 1
    assert offer.report and (offer.report["result"], offer.report["applied"]) == ("cancelled", True)
    assert "saved" in offer.text and "asked to stop; the tool has 10 seconds to end" in offer.text


def test_a_kill_comes_with_a_beat_and_does_not_wait(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap '' INT TERM; touch {mark}; while :; do sleep .1; done")
    offer = world.offer(grace=60.0)
    job = world.job(offer)
    until(mark.exists)
    offer.stop = "kill"
    assert job.wait(20) == 1
    assert offer.report and offer.report["result"] == "cancelled"


def test_an_attempt_that_is_over_kills_its_tool(world: World) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap '' INT TERM; touch {mark}; while :; do sleep .1; done")
    offer = world.offer(grace=60.0)
    job = world.job(offer)
    until(mark.exists)
    offer.over = True
    assert job.wait(20) == 1
    assert offer.report and offer.report["result"] == "cancelled", "a late report counts"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_githubs_own_cancel_ends_it_with_a_report(world: World, number: signal.Signals) -> None:
    mark = world.folder / "mark"
    world.script(apply=f"trap 'echo saved; exit 1' INT; touch {mark}; while :; do sleep .1; done")
    offer = world.offer()
    job = world.job(offer)
    until(mark.exists)
    job.process.send_signal(number)
    assert job.wait(10) == 1
    assert offer.report and offer.report["result"] == "cancelled"
    assert "saved" in offer.text


def test_a_cancel_before_the_claim_was_answered_touches_nothing(world: World) -> None:
    mark = world.folder / "mark"
    world.script(plan=f"touch {mark}; exit 2")
    offer = world.offer()
    world.bot.fault("/claim", slow(1.5))
    job = world.job(offer)
    until(lambda: world.bot.paths("/claim"))
    job.process.send_signal(signal.SIGINT)
    assert job.wait(20) == 1
    assert offer.report is not None
    assert (offer.report["result"], offer.report["error"]) == ("cancelled", "It was cancelled. Nothing was applied.")
    assert not mark.exists()


def test_a_cut_line_costs_the_tool_nothing(world: World) -> None:
    go = world.folder / "go"
    world.script(apply=f"echo begun; while [ ! -e {go} ]; do sleep .05; done; echo ended")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.beats)
    world.bot.fault("/beat", dropped, times=10)
    world.bot.fault("/log", lost, times=3)
    until(lambda: not world.bot.fault_for("/beat"), seconds=40)
    beats = len(offer.beats)
    until(lambda: len(offer.beats) > beats + 1)
    go.touch()
    assert job.wait() == 0
    assert offer.text == "begun\nended\n"


def test_a_bot_that_is_away_for_a_while_is_found_again(world: World) -> None:
    go = world.folder / "go"
    world.script(apply=f"while [ ! -e {go} ]; do sleep .05; done")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.beats)
    with world.bot.away():
        go.touch()
        time.sleep(3)
        assert job.process.poll() is None
    assert job.wait() == 0
    assert offer.report and offer.report["result"] == "succeeded"


@pytest.mark.parametrize("how", [slow(20.0), dripping], ids=["slow", "dripping"])
def test_slow_answers_hold_up_neither_the_tool_nor_a_stop(world: World, how: Any) -> None:
    mark, done = world.folder / "mark", world.folder / "done"
    world.script(
        plan=f"touch {mark}; trap 'date +%s.%N > {done}.new; mv {done}.new {done}; exit 1' INT; while :; do sleep .1; done"
    )
    offer = world.offer(beat_every=1.0)
    world.bot.fault("/beat", how, times=3)
    job = world.job(offer)
    until(mark.exists)
    until(lambda: sum(one.times for one in world.bot.faults) == 0, seconds=40)
    offer.stop, before = "stop", time.time()
    until(done.exists)
    assert float(done.read_text()) - before < 6
    assert job.wait() == 1


def test_connections_are_kept(world: World) -> None:
    world.script(apply="sleep 3")
    offer = world.offer()
    world.run(offer)
    ports = {port for _, path, _, port in world.bot.requests if path.endswith("/beat")}
    assert len(offer.beats) > 8 and len(ports) <= 2


def test_a_log_that_the_bot_has_otherwise_is_brought_together(world: World) -> None:
    go = world.folder / "go"
    world.script(apply=f"echo first; while [ ! -e {go} ]; do sleep .05; done; echo second; echo third")
    offer = world.offer()
    job = world.job(offer)
    until(lambda: offer.text == "first\n")
    offer.log[:] = b"fir"  # a bot that came back from a backup
    go.touch()
    assert job.wait() == 0
    assert offer.text == "first\nsecond\nthird\n"


def test_a_log_that_is_longer_at_the_bot_is_left_alone(world: World) -> None:
    world.script(apply="echo mine")
    offer = world.offer()
    offer.log += b"somebody else's"
    world.run(offer)
    assert offer.text == "somebody else's"


def test_a_full_log_is_not_sent_to_any_more(world: World) -> None:
    world.script(apply="for i in $(seq 9); do echo line $i; sleep .6; done")
    offer = world.offer(beat_every=0.5)
    offer.most_log = 20
    job = world.run(offer)
    assert len(offer.text) <= 20 and "line 9" in job.out
    assert len(world.bot.paths("/log")) < 9


def test_a_log_has_its_bounds_everywhere(world: World) -> None:
    world.script(apply="head -c 3000000 /dev/zero | tr '\\0' x | fold -w 99; echo the end")
    offer = world.offer(log_limit=100_000)
    job = world.run(offer)
    assert len(offer.log) < 101_000 and "bytes are left out here" in offer.text and offer.text.endswith("the end\n")
    assert len(job.out) < 20_000_000
    assert max(len(body) for path, body in world.bot.seen if "/log?" in path) <= 262_144


def test_the_report_is_told_until_it_is_heard(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/report", dropped, times=2)
    world.bot.fault("/report", refused(502, b"<html>"))
    world.bot.fault("/report", lost)
    world.run(offer)
    assert (offer.reports, len(world.bot.paths("/report"))) == (2, 5), "told twice is told once"
    assert offer.beats[-1][1] > 1


def test_a_report_that_nobody_hears_is_told_in_the_end(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/report", dropped, times=10_000)
    job = world.run(offer, 6, HEADWATER_PATIENCE_SECONDS="3")
    assert "succeeded%2C but Headwater did not hear of it::127.0.0.1 cannot be reached" in job.out
    assert len(world.bot.paths("/report")) > 2


def test_a_report_that_is_not_wanted_is_not_told_again(world: World) -> None:
    world.script()
    offer = world.offer()
    world.bot.fault("/report", refused(410, {"error": "gone"}), times=10)
    job = world.run(offer, 6)
    assert len(world.bot.paths("/report")) == 1 and "the bot says gone" in job.out


def test_a_report_that_is_too_large_is_made_smaller(world: World) -> None:
    world.script(plan="seq 20000; exit 2", outputs="""echo '{"a": 1}'""")
    short, bare = world.offer(), world.offer()
    short.most_report, bare.most_report = 100_000, 1_500
    world.run(short)
    assert short.report and (short.report["result"], short.report["outputs"]) == (
        "succeeded",
        {"a": {"value": 1, "sensitive": False}},
    )
    assert short.report["plan"]["text"].endswith("the server did not take a report of this size ...")
    bare.spec["commit"] = world.script(outputs="head -c 9000 /dev/zero | tr '\\0' x | sed 's/.*/{\"a\": \"&\"}/'")
    world.run(bare)
    assert bare.report and (bare.report["result"], bare.report["applied"], bare.report["outputs"]) == (
        "failed",
        True,
        None,
    )
    assert "too large for the server" in bare.report["error"]


def test_the_summary_has_its_bounds(world: World) -> None:
    world.script(plan="printf '  + new\\n  ~ other\\n````\\n</details> @all\\n'; seq 300000; exit 2")
    job = world.run(world.offer(kind="plan"))
    assert len(job.summary.encode()) <= 1024 * 1024
    assert "`````diff\n+   new\n!   other\n````\n</details> @all\n1\n" in job.summary
    assert job.summary.endswith("`````\n")
