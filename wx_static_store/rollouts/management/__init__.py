"""
The commands and their shared code.

    commands  What ``manage.py`` finds
    options   The options of ``wx_rollout``, and what they say of a start
    lines     Rollouts as lines on a terminal
"""
