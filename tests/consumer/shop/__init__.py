"""A project that uses the app as its pages say, with types: tests/test_types.py checks it."""
