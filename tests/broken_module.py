"""A module of a project that fails while it is imported."""

raise KeyError("planted")
