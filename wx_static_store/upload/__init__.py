"""
One file into the cloud: the face of the app for code that uploads.

    in_threads       The async twins of a storage's methods, by threads of their own
    push             Send what waits, by one process at a time
    parked           Uploads of persons among the waiting files, and what is left when they fail
    waiting          Files that wait until the cloud takes them, by rows; what a storage does
    uploader         Send one file and record it, or many by one loop
    as_sent          What is sent where it differs from what a release keeps: previews, gzip
    listing          The objects at some thousand keys, by few calls of `staticfilelist`
    transfer         One file on its way: its attempts, its span in OpenTelemetry
    presence         What is at a key: the list, the newest row and the time, by one rule
    store            One environment: its clients, its list, its addresses
    platform         What all stores of a platform share: connections, token, limiters, quota
    limiters         How many calls run at once, and how many begin in a second in all processes
    hosting          WeChat's answers about the static hosting of environments, kept for a day
    recorder         Write results to the database and to the logger ``wx_static_store.uploads``
    claims           Names that a save is about to take, and objects that a failed form left
    kept             Which bytes of releases are kept, by rows, and which are freed
    waiting_bytes    The bytes of waiting files, each under the token of its content
    release_storage  The bytes of releases by their SHA-256, in any private alias of ``STORAGES``
    database         The database of the log, whose failure never fails an upload
    sources          The bytes of one file: rewound, spooled, measured, hashed
    workers          The only worker threads: a bounded pool, and a thread that beats
"""

from ..core.secrets import Secret
from ..core.types import UploadContext, UploadItem, UploadResult, UploadStatus
from .recorder import JsonLinesFormatter
from .store import Store, get_store
from .uploader import Uploader, get_uploader

__all__ = [
    "JsonLinesFormatter",
    "Secret",
    "Store",
    "UploadContext",
    "UploadItem",
    "UploadResult",
    "UploadStatus",
    "Uploader",
    "get_store",
    "get_uploader",
]
