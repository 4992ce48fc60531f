"""With what a command of ours ends, beside 0 (all is well), 1 (something is not) and 130."""

WRONG_USE = 2  # nothing was begun
