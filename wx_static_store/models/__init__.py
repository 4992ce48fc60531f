"""
The tables: the log of uploads, the deploys they belong to, what is known of the platform.

No foreign key has a constraint in the database: it would make a row of the log wait for locks on
the user's row, and fail the caller's commit when that row is gone. The log may also live in a
database of its own, where a router says so.

    uploads      The log of uploads, and every permission of the app
    deployments  One publishing of many files
    idempotency  The answers to requests that may come twice
    platform     What was learned of the platform, and the accounts that gave it authorization
    columns      Texts that every database keeps; foreign keys that bind nobody
"""

from .columns import fitting
from .deployments import Deployment, DeploymentQuerySet
from .idempotency import IdempotencyKey
from .platform import Account, Fact, Health
from .uploads import UploadLog, UploadLogQuerySet, key_digest

__all__ = [
    "Account",
    "Deployment",
    "DeploymentQuerySet",
    "Fact",
    "Health",
    "IdempotencyKey",
    "UploadLog",
    "UploadLogQuerySet",
    "fitting",
    "key_digest",
]
