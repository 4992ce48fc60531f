"""
The commands, and what they share.

    commands  What ``manage.py`` finds
    start     What the line of ``wx_rollout start`` means
    options   The options of ``wx_rollout``
    lines     Rollouts as lines on a terminal
"""

__all__ = ()
