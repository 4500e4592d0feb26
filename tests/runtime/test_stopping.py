"""Requests to stop: made by signals at an entry, or by a sign; heeded by blocks that say so."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from unrolled.runtime import stopping
from unrolled.runtime.stopping import StopRequest, heeding_stops, stop_on_signals, stopping_by

NUMBERS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_first_signal_is_a_request_where_it_is_heeded_and_the_second_interrupts(number: signal.Signals) -> None:
    with stop_on_signals(), heeding_stops() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


@pytest.mark.parametrize("number", NUMBERS)
def test_where_nobody_heeds_it_the_first_signal_interrupts(number: signal.Signals) -> None:
    with stop_on_signals() as stop:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        with heeding_stops():
            pass
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        assert not stop.requested


def test_a_request_that_was_made_before_a_block_holds_in_it() -> None:
    """As between the begin of a training's job and its first step."""
    with stop_on_signals() as entry:
        with heeding_stops() as outer:
            with heeding_stops() as inner:
                assert not inner.requested
            signal.raise_signal(signal.SIGINT)
            with heeding_stops() as inner:
                assert inner.requested
            assert outer.requested
        assert entry.requested
    with stop_on_signals(), heeding_stops() as anew:
        assert not anew.requested


def test_without_an_entry_no_request_is_made_and_python_interrupts() -> None:
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored
    try:
        with heeding_stops() as stop:
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
            assert not stop.requested
    finally:
        signal.signal(signal.SIGINT, former)


def test_handlers_are_put_back() -> None:
    former = [signal.getsignal(number) for number in NUMBERS]
    with stop_on_signals():
        assert all(signal.getsignal(number) not in former for number in NUMBERS)
    assert [signal.getsignal(number) for number in NUMBERS] == former


def test_a_handler_that_python_does_not_know_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """`signal.signal` cannot put it back: it takes no None."""
    former = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "getsignal", lambda number: None)
    with stop_on_signals():
        monkeypatch.undo()
        assert signal.getsignal(signal.SIGTERM) == former


def test_another_thread_takes_no_signals_and_does_not_see_this_ones_request() -> None:
    seen = []

    def elsewhere() -> None:
        with stop_on_signals(), heeding_stops() as stop:
            seen.append(stop.requested)

    with stop_on_signals() as here, heeding_stops():
        here.make()
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert seen == [False]


def test_a_sign_is_looked_at_now_and_then_and_once_seen_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    now, looks, told = 0.0, [], False
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def sign() -> bool:
        looks.append(now)
        return told

    with stopping_by(StopRequest(sign)), heeding_stops() as stop:
        assert not stop.requested
        told = True
        assert not stop.requested
        now = stopping.LOOK_SECONDS
        assert stop.requested
        told, now = False, 9.0
        assert stop.requested
    assert looks == [0.0, stopping.LOOK_SECONDS]
