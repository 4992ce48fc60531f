"""
The commands, and what they share.

    commands  What ``manage.py`` finds
    learned   What ``wx_doctor`` shows of the facts that probes have learned
"""

__all__ = ()
