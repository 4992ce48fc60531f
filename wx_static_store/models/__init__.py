"""
The tables: the log of uploads, the deploys they belong to, the releases, the accounts.

    uploads      The log of uploads, dismissals of failed ones, and every permission of the app
    deployments  One publishing of many files; which of them is wanted, and live, in each folder
    releases     The list of files of each release, and which bytes are kept
    idempotency  The answers to requests that may come twice
    accounts     The accounts that gave the platform their authorization
    waiting      The files that wait until the cloud takes them
    columns      Texts that every database keeps; digests; foreign keys without a constraint
"""

from .accounts import Account
from .columns import fitting, key_digest
from .deployments import Deployment, DeploymentQuerySet, FolderState, FolderStateQuerySet
from .idempotency import IdempotencyKey
from .releases import KeptFile, Release
from .uploads import Dismissal, UploadLog, UploadLogQuerySet
from .waiting import WaitingFile

__all__ = [
    "Account",
    "Deployment",
    "DeploymentQuerySet",
    "Dismissal",
    "FolderState",
    "FolderStateQuerySet",
    "IdempotencyKey",
    "KeptFile",
    "Release",
    "UploadLog",
    "UploadLogQuerySet",
    "WaitingFile",
    "fitting",
    "key_digest",
]
