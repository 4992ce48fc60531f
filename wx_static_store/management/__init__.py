"""
The commands, and what they share.

    commands.wx_deploy      ``wx_deploy``: a built site to the static hosting of environments
    commands.wx_doctor      ``wx_doctor``: what is wrong, and what to do about it
    commands.wx_import_log  ``wx_import_log``: rows from the log lines of a build without a database
    commands.wx_prune       ``wx_prune``: delete old rows of the log
    commands.wx_reconcile   ``wx_reconcile``: compare the log with what the cloud has
    deploy_line             The command line of ``wx_deploy``: its options, and what they mean
    learned                 What ``wx_doctor`` shows of the facts that probes have learned
    preview                 What ``wx_deploy`` would do: a line for each file and each environment
    release_list            The releases of one environment, as ``wx_deploy --list`` shows them
    upkeep                  How the commands on the log end, and what they report then
    exits                   The exit code of wrong use
"""

__all__ = ()
