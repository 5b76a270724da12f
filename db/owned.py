"""Child processes that end when their owner ends, however it ends.

On Linux the kernel sends the child a signal when the thread that started it dies: so start from
the main thread. From another thread, and on other systems, a small shell waits on a pipe instead.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

PR_SET_PDEATHSIG = 1

# Ends the child once the owner's end of the pipe closes; a line on it means: not needed any more.
WATCHDOG = 'read -r line || kill -s "$2" "$1"'


class OwnedProcess:
    """A child in a session of its own: Ctrl-C on the terminal is its owner's to handle.

    `dying_signal` is what it gets when the owner is gone. Other arguments are those of Popen.
    """

    def __init__(
        self, command: Sequence[str], dying_signal: signal.Signals, **arguments: Any
    ) -> None:
        kernel_ends_it = (
            sys.platform == "linux" and threading.current_thread() is threading.main_thread()
        )
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid(), dying_signal) if kernel_ends_it else None,
            **arguments,
        )
        if not kernel_ends_it:
            name = dying_signal.name.removeprefix("SIG")
            self._watchdog = subprocess.Popen(
                ["/bin/sh", "-c", WATCHDOG, "watchdog", str(self._child.pid), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if one ended it."""
        return self._child.poll()

    def wait(self, seconds: float) -> int | None:
        """Wait that long for its end; None if it still runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._child.wait(seconds)
        return None

    def end(self, *steps: tuple[signal.Signals, float]) -> None:
        """Send each signal in turn and wait up to its seconds, until the child has ended."""
        for sign, seconds in steps:
            if self.exit_code() is None:
                self._child.send_signal(sign)
                self.wait(seconds)
        if self._watchdog is not None:
            assert self._watchdog.stdin is not None
            with contextlib.suppress(OSError):
                self._watchdog.stdin.write(b"done\n")
                self._watchdog.stdin.close()
            self._watchdog.wait(5)
            self._watchdog = None


def _die_with(owner: int, dying_signal: signal.Signals) -> Callable[[], None]:
    """What the child does between fork and exec."""
    libc = ctypes.CDLL(None)

    def before_exec() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(dying_signal), 0, 0, 0)
        if os.getppid() != owner:  # the owner went away in between
            os._exit(1)

    return before_exec
