"""
An upload as it is written by hand today: what `faults.json` is compared with.

It does what the documents show, in forty lines with care: a time-out, the errcode looked at, bad
statuses raised. ``python -m tests.faults.report`` prints how both end under each fault.
"""

from pathlib import Path

import requests

from tests.faults.harness import ENV, KEY, Reported, Scene, everything
from tests.faults.hooks import PLANTED

UPLOAD = "/componenttcb/staticuploadfile"


def upload_file(
    api_url: str,
    access_token: str,
    env: str,
    path: Path,
    key: str,
    *,
    timeout: tuple[float, float] = (10, 60),
) -> None:
    """Publish the file at `path` as `key`; raises where something went wrong."""
    answer = requests.post(
        api_url + UPLOAD,
        params={"access_token": access_token},
        json={"env": env, "filename": key},
        timeout=timeout,
    )
    answer.raise_for_status()
    link = answer.json()
    if link.get("errcode"):
        raise RuntimeError(f"errcode {link['errcode']}: {link.get('errmsg')}")
    with path.open("rb") as body:
        stored = requests.put(
            link["signed_url"],
            data=body,
            headers={"x-cos-security-token": link["token"]},
            timeout=timeout,
        )
    stored.raise_for_status()


def naive(scene: Scene) -> Reported:
    """Send the file through `upload_file`; it knows `failed` and `stored` only."""
    options = scene.case.options
    timeout = (options.get("CONNECT_TIMEOUT", 5), options.get("READ_TIMEOUT", 5))
    place = (scene.api_url, PLANTED["access_token"], ENV, scene.source, KEY)
    try:
        upload_file(*place, timeout=timeout)
    except Exception as error:  # noqa: BLE001 -- whatever the libraries raise is its answer
        kinds = tuple(kind.__name__ for kind in type(error).__mro__)
        return Reported("failed", kinds, everything(error))
    return Reported("stored")
