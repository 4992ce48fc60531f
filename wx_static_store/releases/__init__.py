"""
What was deployed: what is live, and the way back.

    difference       What differs between releases, and between a release and a folder or the cloud
    payload          What a rollout brings where: a kept release, or a tree that becomes one
    held_back_files  What a deployment did not send, and the command that does it again
    runners          Who carries out a deploy outside of the request: what an app registers
    rollback_plan    What a roll back of one environment would do, and whether a request may do it
    rollback         Roll back and repair: the ordinary deploy of a kept release
    live             What is live in each environment and folder
"""

__all__ = ()
