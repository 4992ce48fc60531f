"""
Rollouts: an app of its own. One release to many environments, in waves, by the project's Celery.

All that is known of a rollout stands in its rows. A message only says that there is something to
do: one that is lost is sent again, and one that comes twice costs nothing.

    apps              Register with the core: who carries out deploys, what retention keeps
    runner            Hand the core's deploys to workers
    templatetags      ``{% wx_overview %}``
    admin             The rollouts, and the page *Overview*
    api               The REST API of rollouts
    management        The commands ``wx_rollout`` and ``wx_drift``
    tasks             The tasks of Celery
    lifecycle         Start a rollout, and pause, resume, stop, retry and roll back one
    environment       The deploy of one environment of a rollout, as a worker makes it
    access            Who sees a rollout, and of it what
    overview          How environments stand: what is live, the last deploy and failure, the drift
    activity          What happened lately: uploads by day, slow hours, failures, publishers
    snapshot          How far a rollout is: counts of each wave, failures by their cause
    advance           What may begin now, by the rows of a rollout and under its lock
    rollback_targets  What each environment had before a rollout, and which went on since
    rows              The rows of a rollout: its lock, its environments, how many are in which state
    drift             How environments differ from what is live there, and their repair
    models            The tables: rollouts, their environments, drift
    waves             How many environments each wave has, and how many may run at once
"""

__all__ = ()
