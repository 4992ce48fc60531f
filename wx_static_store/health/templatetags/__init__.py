"""
Tags for a project's templates.

    wx_health  A line that says what is wrong, for pages of the admin
"""
