"""
One file into the cloud: the face of the app for code that uploads.

    uploader   Send one file and record it, or many by one loop
    listing    What is at some thousand keys, by few calls of `staticfilelist`
    transfer   One file on its way: its attempts, and what they have learned so far
    store      `get_store(using, env=None)` → one `Store` per environment: options, tokens, clients,
    platform   What all stores of a service provider's platform share: connections, the token, the g
    recorder   Where results are written: the database, and always the logger ``wx_static_store.uplo
    claims     Names that are about to be taken: noted in the shared cache between the look and the
    database   The database of the log, which may be away: its trouble is never an upload's trouble
    sources    The bytes of one file: rewound, spooled, measured, hashed; notices a change while rea
    telemetry  Spans and metrics of uploads, where OpenTelemetry's API is installed (extra ``otel``)
    workers    The only worker threads: a bounded pool, the limiter of calls, and a thread that beat
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
