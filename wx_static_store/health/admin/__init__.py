"""
The admin: the page *Health*.

    health  the page itself, and who may see it
    page    what it shows
"""

from .health import HealthAdmin

__all__ = ["HealthAdmin"]
