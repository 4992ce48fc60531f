"""
Send an alert when something fails: once for each cause and hour.

    events    A deployment or a rollout that failed: by their signals
    watch     What needs attention now: asked by ``wx_alert`` and a task
    senders   Ready made: a mail, a message of a WeCom robot
    alert     An alert, and the functions that get it
"""

from .alert import Alert
from .senders import send_mail, send_wecom

__all__ = ["Alert", "send_mail", "send_wecom"]
