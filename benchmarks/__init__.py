"""Measure the speed against a raw client and against other tools: ``make bench``."""

import os
import sys

# The app of another checkout, measured by this one's programs.
if checkout := os.environ.get("BENCH_CODE"):
    sys.path.insert(0, checkout)
