"""Loaded before a program of Python: its wall clock jumps forward an hour, and back, twice a second."""

import time

_now = time.time
time.time = lambda: _now() + 3_600 * (int(time.monotonic() * 2) % 2)
