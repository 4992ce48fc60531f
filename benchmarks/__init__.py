"""Measure the speed against a raw client and against other tools: ``make bench``."""
