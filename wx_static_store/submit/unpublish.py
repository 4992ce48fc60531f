"""
Make files unpublic: overwrite each with the deletion marker, like `storage.delete()`.

As for uploads, a user is bound to a folder, and most users may not touch protected files.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from ..conf import options_for, platform_options
from ..core.refusals import ELSEWHERE, IN_PROGRESS, PROTECTED, UNPUBLISH, PolicyRejected, User
from ..core.retry import REQUEST, ending_within
from ..core.types import UploadContext, UploadItem, UploadResult, deletion
from ..upload.parked import hold
from ..upload.uploader import Uploader
from .access import enforce
from .policy import Target
from .rules import is_protected


def refusal(user: User, to: Target, key: str) -> PolicyRejected | None:
    """Return why this user may not make the file unpublic; None if they may."""
    folder = options_for(to.using).location + platform_options().upload_location
    try:
        enforce(user, UNPUBLISH)
        if not key.startswith(folder):
            enforce(user, ELSEWHERE, key=key, folder=folder)
        if is_protected(key):
            enforce(user, PROTECTED, found=key)
    except PolicyRejected as error:
        return error
    return None


def unpublish(
    user: User, to: Target, keys: Sequence[str], *, seconds: float = REQUEST * 0.5
) -> list[UploadResult]:
    """Overwrite the files that this user may make unpublic; record and return each result."""
    until, results = time.monotonic() + seconds, list[UploadResult]()
    options = options_for(to.using).for_env(to.env)
    location = options.location
    allowed = [key for key in keys if refusal(user, to, key) is None]
    inside = [key.removeprefix(location) for key in allowed if key.startswith(location)]
    outside = [key for key in allowed if not key.startswith(location)]
    context = UploadContext(source="delete", user_id=user.pk)
    # Outside of the location, the whole key is the name: this store has no name there.
    with ending_within(REQUEST):
        for each, names in ((options, inside), (replace(options, location=""), outside)):
            # What is not started after `seconds` has no result.
            begun = takewhile(lambda _name: time.monotonic() < until, names)
            uploader = Uploader(each)
            results += uploader.upload_many(_deletions(uploader, begun, results), context)
    return results


def _deletions(
    uploader: Uploader, names: Iterable[str], results: list[UploadResult]
) -> Iterator[UploadItem]:
    """Yield what deletes the files; what waits for their keys is no longer sent by itself."""
    for name in names:
        if hold(uploader.options, key := uploader.key(name)):
            yield deletion(name)
        else:
            results.append(uploader.failed(deletion(name), IN_PROGRESS.broken(key=key)))
