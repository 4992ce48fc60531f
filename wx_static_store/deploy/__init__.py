"""
A tree of files, published to one environment or to many.

    environments  One built site to one environment, or the same to many of them in turn
    report        How a deploy to one environment or to many went: as JSON, on a terminal, on a CI's
    publish       Publish what a plan names: assets, then pages, then the manifest; and report how i
    plan          Many files: what differs from the cloud, and in which order it is to be sent
    link_check    What will be a 404 on the site, told before anything is sent
    locks         One deploy at a time per environment, over the cache that all processes share
    progress      How far a run is: a bar on a terminal, plain lines elsewhere if they are wanted, e
    standing      What the environment's list and the log say of some thousand keys, before a deploy
    tree          The files of a folder, as items to publish: what is left out, and where a link may
    verify        After a deploy: does the cloud hold the tree, what else does it hold, and what is
"""

from .publish import PublishFailed

__all__ = ["PublishFailed"]
