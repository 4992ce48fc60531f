"""The alerts: what is told, by whom, and how often."""
