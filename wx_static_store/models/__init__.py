"""
The tables: the log of uploads, the deploys they belong to, what is known of the platform.

No foreign key has a constraint in the database: it would make a row of the log wait for locks on
the user's row, and fail the caller's commit when that row is gone. The log may also live in a
database of its own, where a router says so.

    uploads      The log of uploads, and every permission of the app
    dismissals   What nobody needs to mend any more, though it failed
    rollouts     One release to many environments, in waves
    drift        How each environment differed from what is live there
    deployments  One publishing of many files
    releases     What each tree was, and which bytes of it are kept
    idempotency  The answers to requests that may come twice
    platform     What was learned of the platform, and the accounts that gave it authorization
    columns      Texts that every database keeps; digests; foreign keys that bind nobody
"""

from .columns import fitting, key_digest
from .deployments import Deployment, DeploymentQuerySet, Overview
from .dismissals import Dismissal
from .drift import Drift
from .idempotency import IdempotencyKey
from .platform import Account, Fact, Health
from .releases import KeptFile, Release
from .rollouts import Rollout, RolloutEnvironment, RolloutQuerySet
from .uploads import UploadLog, UploadLogQuerySet

__all__ = [
    "Account",
    "Deployment",
    "DeploymentQuerySet",
    "Dismissal",
    "Drift",
    "Fact",
    "Health",
    "IdempotencyKey",
    "KeptFile",
    "Overview",
    "Release",
    "Rollout",
    "RolloutEnvironment",
    "RolloutQuerySet",
    "UploadLog",
    "UploadLogQuerySet",
    "fitting",
    "key_digest",
]
