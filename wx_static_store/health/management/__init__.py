"""
The commands and their shared code.

    commands  What ``manage.py`` finds
"""
