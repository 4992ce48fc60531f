"""
The commands: each is a file of its name.

    wx_alert   ``wx_alert``: send alerts of problems that need attention now
    wx_doctor  ``wx_doctor``: what is wrong, and what to do about it
"""
