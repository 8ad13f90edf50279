"""Ctrl-C is counted; the third leaves between two steps, the fourth at once."""

from __future__ import annotations

import signal

import pytest

from bot.cli.interrupts import Interrupts
from bot.decide.facts import Stop


def test_each_is_told_once() -> None:
    with Interrupts() as interrupts:
        assert interrupts.new() == ()
        signal.raise_signal(signal.SIGINT)
        assert interrupts.new() == (Stop.GRACEFULLY,)
        assert interrupts.new() == ()
        signal.raise_signal(signal.SIGHUP)
        assert interrupts.new() == (Stop.KILL,)


def test_the_third_does_not_leave_within_a_step() -> None:
    with Interrupts() as interrupts:
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        assert interrupts.new() == (Stop.GRACEFULLY, Stop.KILL)
        with pytest.raises(KeyboardInterrupt):
            interrupts.new()


def test_the_fourth_waits_for_nothing() -> None:
    with Interrupts():
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_ctrl_c_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
