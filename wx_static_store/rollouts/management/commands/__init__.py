"""
The commands: each is a file of its name.

    wx_rollout  ``wx_rollout``: a release to many environments, in waves
    wx_drift    ``wx_drift``: compare every environment with what is live there
"""
