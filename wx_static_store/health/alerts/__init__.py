"""
Send an alert when something fails: once for each cause and hour.

    watch     What needs attention now: asked by ``wx_alert`` and a task
    events    A deployment or a rollout that failed: by their signals
    alert     An alert, the functions that get it, and two ready-made ones: mail, WeCom robot
"""

from .alert import Alert, send_mail, send_wecom

__all__ = ["Alert", "send_mail", "send_wecom"]
