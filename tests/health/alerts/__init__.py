"""The alerts: what is sent, by whom, and how often."""
