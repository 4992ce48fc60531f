"""
Rollouts, a separate app: one release to many environments, in waves, by the project's Celery.

All facts about a rollout are in its rows. A message only says that there is work to
do: a lost message is sent again, and a repeated one costs nothing.

    apps              Register with the core: who carries out deploys, what retention keeps
    runner            Hand the core's deploys to workers
    templatetags      ``{% wx_overview %}``
    admin             The rollouts, and the page *Overview*
    api               The REST API of rollouts
    management        The commands ``wx_rollout`` and ``wx_drift``
    tasks             The tasks of Celery
    lifecycle         Start a rollout, and pause, resume, stop, retry and roll back one
    environment       The deploy of one environment of a rollout, as a worker makes it
    overview          The state of environments: live release, last deploy and failure, drift
    snapshot          The progress of a rollout: counts of each wave, failures by their cause
    advance           The lock of a rollout: whoever held it begins the next environments
    rows              The rows of a rollout: its environments, their counters, who sees them
    drift             The differences between environments and their live releases, and the repair
    models            The tables: rollouts, their environments, drift
    waves             How many environments each wave has, and how many may fail
"""
