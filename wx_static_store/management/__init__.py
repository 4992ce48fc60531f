"""
The commands, and their common parts.

    commands          The commands of ``manage.py``
    differences       ``wx_deploy --diff``: compare a release with another, a folder or the cloud
    modes             The orders of ``wx_deploy``: of a folder, or of kept releases
    preview           The plan of ``wx_deploy``: lines of files, a row for each environment
    release_list      The releases of one environment, as ``wx_deploy --list`` shows them
    deploy_options    The options of ``wx_deploy``, and which of them belong together
    upkeep            The base of the commands on the log, with their end
    report_file       The JSON file of a command, written whole or not at all
    exits             The exit codes, the error of a wrong use, the question before a run
"""
