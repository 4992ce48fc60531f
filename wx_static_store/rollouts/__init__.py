"""
Rollouts: one release to many environments, in waves, by the project's own Celery.

All that is known of a rollout stands in its rows. A message only says that there is something to
do: one that is lost is sent again, and one that comes twice costs nothing.

    rollouts     Start a rollout, and pause, resume, stop, retry and roll back one
    environment  The deploy of one environment of a rollout, as a worker makes it
    access       Who sees a rollout, and of it what
    overview     How environments stand: what is live, the last deploy, the last failure, the drift
    snapshot     How far a rollout is: counts of each wave, failures by their cause
    advance      What may begin now, by the rows of a rollout and under its lock
    way_back     What each environment had before a rollout, and which of them went on since
    rows         The rows of a rollout: its lock, its environments, how many are in which state
    drift        How environments differ from what is live there, and their repair
    waves        How many environments each wave has, and how many may run at once
"""

__all__ = ()
