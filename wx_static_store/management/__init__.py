"""
The commands, and what they share.

    commands.wx_deploy      ``wx_deploy``: a built site to the static hosting of one environment, or
    commands.wx_import_log  ``wx_import_log``: rows from the log lines of a build that had no databa
    commands.wx_prune       ``wx_prune``: old rows of the log go
    commands.wx_reconcile   ``wx_reconcile``: does the log say what the cloud has?
    deploy_line             The command line of ``wx_deploy``: its options, what they mean, and line
    upkeep                  What the commands on the log have in common: how they end, and what they
    exits                   With what a command of ours ends, beside 0 (all is well), 1 (something i
"""

__all__ = ()
