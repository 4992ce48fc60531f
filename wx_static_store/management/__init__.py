"""
The commands, and what they share.

    commands          What ``manage.py`` finds
    differences       ``wx_deploy --diff``: a release beside another, a folder or the cloud
    difference_lines  A comparison of two sides, as lines on a terminal
    modes             What ``wx_deploy`` publishes where: a tree, or kept releases
    deploy_line       What the command line of ``wx_deploy`` means: store and environments
    deploy_options    The options of ``wx_deploy``, and which of them belong together
    manifest          The manifest of static files after a roll back
    preview           What ``wx_deploy`` would do: lines of files, a row for each environment
    release_list      The releases of one environment, as ``wx_deploy --list`` shows them
    upkeep            How the commands on the log end, and what they report then
    exits             How a command ends that was called in a wrong way
"""

__all__ = ()
