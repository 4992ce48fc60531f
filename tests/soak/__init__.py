"""A random test of several processes, databases and faults, judged from outside the package."""
