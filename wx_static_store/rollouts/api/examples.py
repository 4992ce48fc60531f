"""Examples of the answers, for the OpenAPI document."""

from ...api.examples import DIGEST

ROLLOUT = {
    "id": 4,
    "store": "site",
    "folder": "app/",
    "label": "v1.5.0",
    "state": "stopped",
    "reason": "1 failed, 0 tolerated",
    "release": 3,
    "release_url": "https://app.example.com/wx/releases/3/",
    "digest": DIGEST,
    "undoes": None,
    "undoes_url": None,
    "waves": "1,100%",
    "wave": 2,
    "tolerate": 0,
    "max_parallel": 0,
    "verify": False,
    "bake": 60,
    "deploy_at": None,
    "user": 1,
    "created": "2026-01-31T12:00:00Z",
    "started": "2026-01-31T12:00:00Z",
    "ended": "2026-01-31T12:02:00Z",
    "environments": {"waiting": 0, "queued": 0, "running": 0, "done": 1, "failed": 1},
}
ROLLOUT_BEGUN = ROLLOUT | {
    "state": "running",
    "reason": "",
    "wave": 1,
    "ended": None,
    "environments": {"waiting": 1, "queued": 1, "running": 0, "done": 0, "failed": 0},
    "warnings": ["WeChat allows 100 calls in 60 seconds, so this takes 2 minutes or more."],
}
ROLLOUT_DETAIL = ROLLOUT | {
    "files": {"stored": 1, "unchanged": 0, "failed": 1, "not_attempted": 0, "bytes": 1024},
    "by_wave": [
        {"waiting": 0, "queued": 0, "running": 0, "done": 1, "failed": 0},
        {"waiting": 0, "queued": 0, "running": 0, "done": 0, "failed": 1},
    ],
    "failures": [
        {"errcode": 85088, "message": "WeChat refused the call", "envs": ["demo-b"]},
    ],
    "next": None,
    "results": [
        {
            "env": "demo-1a2b3c4d5e6f7g8h",
            "wave": 1,
            "state": "done",
            "since": "2026-01-31T12:01:00Z",
            "tries": 1,
            "release": 3,
            "deployment": 12,
            "deployment_url": "https://app.example.com/wx/deployments/12/",
            "errcode": None,
            "message": "",
        },
        {
            "env": "demo-b",
            "wave": 2,
            "state": "failed",
            "since": "2026-01-31T12:02:00Z",
            "tries": 1,
            "release": 3,
            "deployment": 13,
            "deployment_url": "https://app.example.com/wx/deployments/13/",
            "errcode": 85088,
            "message": "WeChat refused the call",
        },
    ],
}
