"""Write the problems of the REST API from their table, each with its anchor."""

from wx_static_store.api.problems import PROBLEMS

from . import entries, plain

# What the text of the table leaves open.
MORE = {
    "parse_error": "It may also have ended early.",
    "folder": "``detail`` names the folder: ``UPLOAD_LOCATION``.",
    "content": "Or ``UPLOAD_CHECK`` refused it.",
    "archive": "``detail`` says why. :ref:`rest-rollouts` has the limits.",
    "no_diagnosis": "``detail`` says why.",
    "store_closed": "``UPLOAD_STORES`` leaves it out.",
    "environment": "It may also not exist.",
    "release": "Or the caller may not see it, or no release came before.",
    "exists": "``overwrite`` is missing.",
    "gone": "Or the row's file has a newer row.",
    "rollout": "Or another rollout has the environments.",
    "in_progress": "Or another upload of this name or row, or another deploy of the environment.",
    "size": "Or a deploy is too much for a request.",
    "configuration": "The server's log says more.",
    "busy": "WeChat or COS is busy, there is no token, or this site's database or disk does not "
    "work. Nothing was stored.",
    "workers": "Celery is not installed, or its broker cannot be reached. Nothing was begun.",
    "unknown": "Or the first request with this ``Idempotency-Key`` did not end.",
    "timeout": "Nothing was stored.",
}


def text() -> str:
    return entries(*(_problem(code, *of) for code, of in PROBLEMS.items()))


def _problem(code: str, status: int, said: object) -> tuple[str, str]:
    anchor = f".. anchor:: problem-{code.replace('_', '-')}"
    more = [MORE[code]] if code in MORE else []
    return f"``{code}`` ({status})", "\n\n   ".join([anchor, plain(said), *more])
