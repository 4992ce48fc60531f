"""Write the columns of the log from the fields of the models."""

from typing import Any

from wx_static_store.models import Deployment, Dismissal, Release, UploadLog
from wx_static_store.rollouts.models import Drift, Rollout, RolloutEnvironment

from . import entries, section

_USER = "The user who caused it. Empty for a command without ``--user``."
_ENV = "The id of the cloud environment."
_USING = "The alias in ``STORAGES``."
_CREATED = "When the row was written."
MEANINGS: dict[type[Any], dict[str, str]] = {
    UploadLog: {
        "env": _ENV,
        "key": "The key of the object in the environment: the store's location, then the name.",
        "name": "The name in the store, as it was asked for.",
        "status": "How the upload ended. ``unknown``: the bytes were sent, and the answer never "
        "came.",
        "stage": "Where a failed upload ended: ``name``, ``source``, ``token``, ``link``, ``put`` "
        "or ``verify``.",
        "cause": "Why it failed: the code of an entry that ``wx_explain`` prints. Empty for a "
        "stored file.",
        "errcode": "The number that WeChat gave last. 0 is success.",
        "message": "What happened, in English.",
        "http_status": "The HTTP status of the last answer.",
        "cos_code": "The code that COS gave.",
        "rid": "WeChat's id of the call. Quote it when you ask WeChat.",
        "request_id": "The id that COS gave the PUT. Quote it when you ask Tencent Cloud.",
        "attempts": "How many times the upload was tried.",
        "size": "The size of what was sent, in bytes: of the gzip, if the file went as gzip.",
        "md5": "The MD5 of what was sent, in hex.",
        "content_type": "The ``Content-Type`` that the public file has.",
        "cache_control": "The ``Cache-Control`` that the public file has.",
        "other_headers": "More headers that the public file has, one in a line.",
        "duration_ms": "How long the upload took, in milliseconds.",
        "stored_at": "When COS stored the object, by its own clock.",
        "source": "What sent the file: ``storage``, ``delete``, ``admin``, ``api``, "
        "``collectstatic``, ``wx_deploy``, ``retry`` and others.",
        "source_ref": "What belongs to the source, such as the id of an API request.",
        "user": _USER,
        "deployment": "The deployment that sent the file.",
        "created": _CREATED,
    },
    Dismissal: {
        "upload": "The upload that failed.",
        "user": "Who took it from the page *Still failing*. Empty for a user who is gone.",
        "created": _CREATED,
    },
    Deployment: {
        "env": _ENV,
        "using": _USING,
        "folder": "Where the keys begin: the store's location, then the folder of ``--prefix``.",
        "source": "``wx_deploy`` or ``collectstatic``.",
        "label": "The label of the release, such as a commit.",
        "outcome": "How it ended. *log incomplete*: it was killed, or the database refused rows.",
        "checked": "What ``--verify`` found. *Not compared*: it could not read the list or the "
        "site, or the log alone said what is unchanged.",
        "stored": "How many files were stored.",
        "skipped": "How many files were the same in the cloud, and not sent.",
        "failed": "How many files failed, or ended as unknown.",
        "not_attempted": "How many files were held back, or not attempted.",
        "bytes": "How many bytes were stored.",
        "duration_ms": "How long it took, in milliseconds. Empty while it runs.",
        "user": _USER,
        "release": "The release: the list of its files. Empty if the list was pruned.",
        "created": _CREATED,
    },
    Release: {
        "digest": "The SHA-256 of the list. Two deployments with the same files have the same "
        "release.",
        "files": "The list, compressed. ``release.contents()`` yields its files: ``name``, "
        "``size``, ``md5``, ``sha256``, ``headers`` and ``last``.",
        "count": "How many files it has.",
        "size": "How many bytes its files have.",
        "used": "When a deploy published it last.",
        "created": _CREATED,
    },
    Rollout: {
        "using": _USING,
        "folder": "Where the keys begin.",
        "release": "The release. Empty for a roll back that gives the environments different ones.",
        "undoes": "The rollout that this one rolls back.",
        "state": "How far it is. *stopped*: too many failed, or somebody stopped it.",
        "waves": "How many environments have the release at the end of each wave: ``--waves``.",
        "wave": "The number of the current wave. 0 before it begins.",
        "tolerate": "How many environments may fail. One more stops it.",
        "max_parallel": "How many run at once. 0: as many as may fail together, 32 at most.",
        "verify": "Whether each deploy is compared with the cloud.",
        "bake": "Seconds between two waves.",
        "deploy_at": "When it may begin. Empty: at once.",
        "label": "Its name, such as a commit.",
        "user": _USER,
        "created": _CREATED,
        "started": "When the first wave began.",
        "ended": "When it was done, or stopped.",
        "waiting": "How many of its environments wait.",
        "under_way": "How many are queued or running.",
        "done": "How many have their release.",
        "failed": "How many failed.",
    },
    RolloutEnvironment: {
        "rollout": "The rollout.",
        "env": _ENV,
        "wave": "The number of its wave, from 1 on.",
        "release": "What it gets.",
        "state": "How far it is. *queued*: a worker was asked for it.",
        "since": "When it came into this state.",
        "not_before": "When it is tried again. Empty: no other try is planned.",
        "tries": "How many times it was begun, or a worker discarded its message.",
        "begun": "When a worker began it for the first time.",
        "before": "The release that was live there then: a roll back goes to it.",
        "deployment": "The deployment that it became. Empty before.",
        "cause": "Why it failed: the code of an entry that ``wx_explain`` prints.",
        "errcode": "WeChat's number for why it failed.",
        "message": "Why it failed, or is tried again, in English.",
    },
    Drift: {
        "env": _ENV,
        "using": _USING,
        "missing": "How many live files are not in the cloud.",
        "differs": "How many live files have other bytes in the cloud.",
        "unlogged": "How many objects neither a live release nor the log knows.",
        "objects_seen": "How many objects the cloud has, below the location of the store.",
        "bytes_seen": "How many bytes these have.",
        "message": "Why it could not be compared, in English. The counts are then the old ones.",
        "checked": "When it was compared last.",
    },
}


def text() -> str:
    return "\n".join(
        section(
            model.__name__,
            entries(*(_entry(model, name, meaning) for name, meaning in of.items())),
            anchor=anchor_of(model),
        )
        for model, of in MEANINGS.items()
    )


def anchor_of(model: type[Any]) -> str:
    return f"log-{model.__name__.lower()}"


def _entry(model: type[Any], name: str, meaning: str) -> tuple[str, str]:
    """Return a column, its name in the admin if that is another, and what it may hold."""
    field = model._meta.get_field(name)
    choices = [_named(value, label) for value, label in field.choices or () if value]
    return _named(name, field.verbose_name), "\n\n   ".join(
        filter(None, [meaning, ", ".join(choices)])
    )


def _named(name: str, label: object) -> str:
    return f"``{name}``" + ("" if str(label).lower() == name.replace("_", " ") else f" *{label}*")
