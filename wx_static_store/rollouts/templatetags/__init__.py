"""
Tags for a project's templates.

    wx_overview  The environments with trouble, for pages of the admin
"""
