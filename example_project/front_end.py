"""The built front end: where it lies, and how it is published."""

from pathlib import Path

DIST = Path(__file__).resolve().parent / "frontend" / "dist"  # what Vite built of the sources
APP = "app/"  # the folder of the public site that it goes to
HASHED = "assets/*=public, max-age=31536000, immutable"  # Vite puts nothing else there
