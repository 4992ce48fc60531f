"""
Tags for a project's templates: ``{% load wx_health %}``.

    wx_overview  The environments with trouble, for pages of the admin
    wx_health    A line that says what is wrong, for pages of the admin
"""

__all__ = ()
