"""
Tags for templates.

    wx_panels  What other apps show on the first page of this one in the admin
"""
