"""A step of a benchmark in a process of its own, so that its memory is its own peak."""

from __future__ import annotations

import json
import resource
import subprocess
import sys


def apart(*arguments: str) -> tuple[float, float]:
    """Run this benchmark again with other arguments; return the seconds that it tells and the megabytes of its peak."""
    told = subprocess.run([sys.executable, sys.argv[0], *arguments], capture_output=True, text=True, check=True).stdout
    seconds, peak = json.loads(told)
    return seconds, peak


def tell(seconds: float) -> None:
    """Tell whoever ran this step with `apart` what it took."""
    print(json.dumps([seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
