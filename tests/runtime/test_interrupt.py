"""Ctrl-C as a wish."""

from __future__ import annotations

import signal

import pytest

from unrolled.runtime.interrupt import stop_on_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_interrupts(number: signal.Signals) -> None:
    with stop_on_signals() as stop:
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)


def test_a_wish_that_was_made_before_an_inner_block_holds_in_it() -> None:
    """As between the begin of a training's job and its first step."""
    with stop_on_signals() as outer:
        with stop_on_signals() as inner:
            assert not inner.requested
        signal.raise_signal(signal.SIGINT)
        with stop_on_signals() as inner:
            assert inner.requested
    with stop_on_signals() as anew:
        assert not anew.requested
    assert outer.requested


def test_handlers_are_put_back() -> None:
    former = signal.getsignal(signal.SIGINT)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGINT) != former
    assert signal.getsignal(signal.SIGINT) == former
