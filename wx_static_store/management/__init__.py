"""
The commands, and their common parts.

    commands          The commands of ``manage.py``
    differences       ``wx_deploy --diff``: compare a release with another, a folder or the cloud
    difference_lines  A comparison of two sides, as lines on a terminal
    modes             The orders of ``wx_deploy``: of a folder, or of kept releases
    deploy_line       Read the command line of ``wx_deploy``: store and environments
    deploy_options    The options of ``wx_deploy``, and which of them belong together
    manifest          The manifest of static files after a roll back
    preview           The plan of ``wx_deploy``: lines of files, a row for each environment
    release_list      The releases of one environment, as ``wx_deploy --list`` shows them
    upkeep            The base of the commands on the log, with their end
    exits             The exit codes, and the error of a wrong use
"""

__all__ = ()
