"""
The admin: the page *Health*.

    health  the page, its values, and who may see it
"""

from .health import HealthAdmin

__all__ = ["HealthAdmin"]
