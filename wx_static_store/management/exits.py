"""With what a command of ours ends, beside 0 (all is well) and 1 (something is not)."""

WRONG_USE = 2  # nothing was begun
INTERRUPTED = 130
