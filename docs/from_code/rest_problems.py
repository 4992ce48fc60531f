"""Write the problems of the REST API from their table, each with its anchor."""

from wx_static_store.api.problems import PROBLEMS

from . import here, plain, table

# What the text of the table leaves open.
MORE = {
    "parse_error": "It may also have ended early.",
    "folder": "``detail`` names the folder: ``UPLOAD_LOCATION``.",
    "content": "Or ``UPLOAD_CHECK`` refused it.",
    "archive": "``detail`` says why. Its limits are below :ref:`rest-rollouts`.",
    "forbidden": "A permission is missing.",
    "no_diagnosis": "The row has no usable ``rid``, or the call is older than seven days, of "
    "another account, or was not kept. ``detail`` says which.",
    "store": "It is no alias of ``STORAGES`` that this app serves.",
    "store_closed": "``UPLOAD_STORES`` leaves it out.",
    "environment": "It may not exist, or belong to others: the answer is the same.",
    "release": "Or the caller may not see it, or no release came before.",
    "exists": "``overwrite`` is missing.",
    "gone": "Or the row's file has a newer row.",
    "rollout": "Or another rollout has the environments.",
    "in_progress": "Or another upload of this name or row, or another deploy of the environment.",
    "size": "Or a deploy is too much for a request.",
    "unsupported_media_type": "``POST`` needs a form (or JSON, where the address says so), ``PUT`` "
    "the bytes of the file.",
    "configuration": "The settings or WeChat's permissions are wrong, or ``UPLOAD_CHECK`` failed. "
    "The log of the server says more.",
    "busy": "WeChat or COS is busy, there is no token, or the database or the disk of this site "
    "cannot be used. Nothing was stored.",
    "workers": "Celery is not installed, or its broker cannot be reached. Nothing was begun.",
    "unknown": "Or the first request with this ``Idempotency-Key`` did not end.",
    "timeout": "Nothing was stored.",
}


def text() -> str:
    rows = [(here("Code", "代码"), here("Status", "状态码"), here("Meaning", "含义"))]
    for code, (status, said) in PROBLEMS.items():
        anchor = f".. anchor:: problem-{code.replace('_', '-')}"
        more = f"\n\n       {MORE[code]}" if code in MORE else ""
        rows.append((f"{anchor}\n\n       ``{code}``", f"``{status}``", f"{plain(said)}{more}"))
    return table(26, 10, 64, rows=rows)
