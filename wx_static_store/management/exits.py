"""The exit code of wrong use, beside 0 (all is well), 1 (something failed) and 130."""

WRONG_USE = 2  # nothing was begun
