"""Ctrl-C and SIGTERM end work that awaits nothing."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_AGAIN_AFTER_S = 0.01


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raises KeyboardInterrupt in the block on SIGINT and SIGTERM, and out of it; in the main thread only.

    Python cannot raise out of a finalizer or a weak reference's callback: it says that the exception was ignored, and
    the work would go on. Libraries have many of them, so it is raised again a moment later. SIGALRM is used for that.
    A library that is interrupted may fail in what it clears away; then that is no news either.
    """
    told: list[int] = []

    def have_enough(number: int, _: object) -> NoReturn:
        told.append(number)
        raise KeyboardInterrupt

    def again() -> None:
        signal.signal(signal.SIGALRM, have_enough)
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S)

    before = {number: signal.signal(number, have_enough) for number in (signal.SIGINT, signal.SIGTERM)}
    said = sys.unraisablehook
    sys.unraisablehook = lambda lost: again() if lost.exc_type is KeyboardInterrupt else said(lost)
    try:
        yield
    except Exception:
        if told:
            raise KeyboardInterrupt from None
        raise
    finally:
        if told:  # what is over is not interrupted after its end
            signal.setitimer(signal.ITIMER_REAL, 0.0)
        sys.unraisablehook = said
        for number, handler in before.items():
            signal.signal(number, handler)
