"""
The commands and their shared code.

    commands  What ``manage.py`` finds
    start     Read the command line of ``wx_rollout start``
    options   The options of ``wx_rollout``
    lines     Rollouts as lines on a terminal
"""

__all__ = ()
