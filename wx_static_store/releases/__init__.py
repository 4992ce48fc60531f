"""
Releases that were deployed: compare them, roll back, find the live one.

    difference       Compare a release with another, a folder or the cloud
    payload          The release of a rollout: a kept one, or a tree that becomes one
    held_back_files  Files that a deployment did not send, and the command that repeats it
    runners          Workers that deploy outside of the request: an app registers them
    rollback         Roll back and repair: the ordinary deploy of a kept release
    live             The live release of each environment and folder
"""

__all__ = ()
