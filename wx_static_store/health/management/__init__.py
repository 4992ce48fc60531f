"""
The commands and their shared code.

    commands  What ``manage.py`` finds
    learned   The lines of ``wx_doctor`` about facts that probes have learned
"""

__all__ = ()
