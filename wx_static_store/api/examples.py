"""Examples of answers, for the OpenAPI document."""

from __future__ import annotations

UPLOADED = {
    "id": 7,
    "store": "default",
    "env": "demo-1a2b3c4d5e6f7g8h",
    "name": "uploads/tea.png",
    "key": "media/uploads/tea.png",
    "url": "https://demo.example.com/media/uploads/tea.png",
    "size": 1024,
    "md5": "9e107d9d372bb6826bd81d3542a419d6",
    "content_type": "image/png",
    "status": "stored",
    "errcode": 0,
}
FOUND = {name: UPLOADED[name] for name in ("name", "key", "url", "size", "md5")}
STORE = {
    "store": "default",
    "env": "demo-1a2b3c4d5e6f7g8h",
    "label": "default: demo",
    "replace": True,
    "active_content": False,
    "protected_names": False,
    "max_size": 314572800,
}
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
DEPLOYMENT = {
    "id": 12,
    "store": "site",
    "env": "demo-1a2b3c4d5e6f7g8h",
    "folder": "app/",
    "source": "wx_deploy",
    "label": "v1.4.0",
    "outcome": "done",
    "live": True,
    "release": 3,
    "release_url": "https://app.example.com/wx/releases/3/",
    "digest": DIGEST,
    "stored": 1,
    "unchanged": 0,
    "failed": 0,
    "not_attempted": 0,
    "bytes": 1024,
    "duration_ms": 900,
    "user": 1,
    "created": "2026-01-31T12:00:00Z",
}
RELEASE = {
    "id": 3,
    "digest": DIGEST,
    "count": 1,
    "size": 1024,
    "created": "2026-01-31T12:00:00Z",
    "used": "2026-01-31T12:00:00Z",
    "deployments": [DEPLOYMENT],
    "next": None,
    "files": [
        {
            "name": "index.html",
            "size": 1024,
            "md5": "9e107d9d372bb6826bd81d3542a419d6",
            "sha256": "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592",
            "content_type": "text/html",
            "cache_control": "no-cache",
            "last": False,
        }
    ],
}
RECEIVED = {
    "time": "2026-01-31T12:00:00Z",
    "cost_ms": 30,
    "client_ip": "192.0.2.10",
    "request_url": "/componenttcb/staticuploadfile?access_token=***",
    "request_body": '{"env": "demo-1a2b3c4d5e6f7g8h", "filename": "media/uploads/tea.png"}',
    "response_body": '{"errcode": 45009, "errmsg": "reach max api daily quota limit"}',
}
PROBLEM = {
    "title": "Conflict",
    "status": 409,
    "code": "exists",
    "detail": "There is a file media/uploads/tea.png already.",
}
