"""
The commands, and what they share.

    commands          What ``manage.py`` finds
    differences       ``wx_deploy --diff``: a release beside another, a folder or the cloud
    difference_lines  A comparison of two sides, as lines on a terminal
    fleet_drift       ``wx_reconcile --all``: every environment beside what is live there
    rollout_start     What the line of ``wx_rollout start`` means
    rollout_options   The options of ``wx_rollout``
    rollout_lines     Rollouts as lines on a terminal
    modes             What ``wx_deploy`` publishes where: a tree, or kept releases
    deploy_line       What the command line of ``wx_deploy`` means: store and environments
    deploy_options    The options of ``wx_deploy``, and which of them belong together
    learned           What ``wx_doctor`` shows of the facts that probes have learned
    manifest          The manifest of static files after a roll back
    preview           What ``wx_deploy`` would do: lines of files, a row for each environment
    release_list      The releases of one environment, as ``wx_deploy --list`` shows them
    upkeep            How the commands on the log end, and what they report then
    exits             How a command ends that was called in a wrong way
"""

__all__ = ()
