"""The example of the answer, for the OpenAPI document."""

from typing import Any

HEALTH: dict[str, Any] = {
    "status": "wrong",
    "verdict": "1 thing is wrong: token.accepted",
    "examined": "2026-01-31T12:00:00Z",
    "checks": [
        {
            "id": "token.accepted",
            "question": "Does WeChat accept the token?",
            "status": "wrong",
            "seconds": 0.12,
            "findings": [
                {
                    "status": "wrong",
                    "text": "ACCESS_TOKEN is spent (errcode 42001)",
                    "hint": "Set a new one.",
                    "docs": "https://docs.example/troubleshooting/errcodes.html#errcode-42001",
                    "data": {"errcode": 42001},
                }
            ],
        }
    ],
}
