"""The time of a web request, of which each step of a page gets a share."""

REQUEST = 25.0  # seconds: many web servers end a worker after 30
