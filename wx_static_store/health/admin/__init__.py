"""
The admin: the page *Health*.

    health  the page itself, and who may see it
    page    the values for the page
"""

from .health import HealthAdmin

__all__ = ["HealthAdmin"]
