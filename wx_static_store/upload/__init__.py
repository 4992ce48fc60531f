"""
One file into the cloud: the face of the app for code that uploads.

    uploader    Send one file and record it, or many by one loop
    under_way   The files of a batch that are under way: begun, waited for, and stopped
    listing     What is at some thousand keys, by few calls of `staticfilelist`
    folders     What is in one folder, by at most two calls of it, kept for a minute
    transfer    One file on its way: its attempts, and what they have learned so far
    store       One environment: its clients, its list, its addresses
    quota       How many calls WeChat still allows: asked once in ten minutes
    shares      Which environments are shared with which accounts: asked by the fifty
    platform    What all stores of a platform share: connections, token, limiters
    shared_limiter  The limit of calls that all processes share, and the rate that they keep
    remembered  What WeChat said of a platform, kept for a while in the shared cache
    hosting     What WeChat said of the static hosting of environments, kept for a day
    recorder    Write results to the database and to the logger ``wx_static_store.uploads``
    claims      Names that a save is about to take, or that a failed form left: in the shared cache
    kept        Which bytes of releases are kept, by rows; and what is freed
    spool         The bytes of uploads that did not end stored, to be sent again
    release_storage  The bytes of releases by their SHA-256, in any private alias of ``STORAGES``
    database    The database of the log, which may be away: its trouble is never an upload's trouble
    sources     The bytes of one file: rewound, spooled, measured, hashed
    telemetry   Spans and metrics of uploads, where OpenTelemetry is installed (extra ``otel``)
    workers     The only worker threads: a bounded pool, and the limiter of calls
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
