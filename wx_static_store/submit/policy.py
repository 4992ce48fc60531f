"""Decide which file a user may upload, for the admin and the API."""

import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.utils.functional import Promise

from ..conf import aliases, options_for, platform_options
from ..conf.offered import Offer
from ..core.naming import clean_name, object_key
from ..core.refusals import (
    CLOSED,
    EXISTS,
    FOLDER,
    FORBIDDEN,
    IN_PROGRESS,
    NO_STORE,
    NOT_OFFERED,
    OWN_NOT_OFFERED,
    PolicyRejected,
    User,
)
from ..core.types import UploadItem
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _, labelled, sentences
from ..upload.claims import Claim
from ..upload.parked import may_wait, row_ahead
from ..upload.presence import look
from ..upload.sources import digest
from ..upload.store import get_store
from ..upload.waiting import seen
from .access import Act, enforce, may, reach
from .rules import doubts, endings_of, findings, in_name, measure

logger = logging.getLogger("wx_static_store.submit")


@dataclass(frozen=True, slots=True)
class Target:
    """A store at one environment that this user reaches."""

    using: str
    env: str
    label: str


def stores_for(user: User) -> list[Target]:
    """Return where this user may upload: each store's environment, or those of ENVIRONMENTS."""
    offered = reach(user)
    return [
        Target(using, env, labelled(using, offer.label))
        for using in aliases()
        if _takes_uploads(using)
        for env, offer in _reachable(using, offered).items()
    ]


def permissions_of(user: User) -> dict[str, int]:
    """Return the user's permissions beside uploading, and the largest size."""
    acts = {"replace": Act.REPLACE, "active_content": Act.ACTIVE, "protected_names": Act.PROTECTED}
    lifted = {name: may(user, Act.UPLOAD) and may(user, act) for name, act in acts.items()}
    return lifted | {"max_size": platform_options().upload_max_size}


def target(user: User, using: str, env: str | None = None, *, uploads: bool = True) -> Target:
    """
    Return the target with these names; raises PolicyRejected.

    Without `env`, return the target at the store's own environment. With `uploads`, the store must
    take them, else its files may still be seen.
    """
    asked, offered, is_known = env, reach(user), using in aliases()
    if is_known and uploads and not _takes_uploads(using):
        raise CLOSED.broken(using=using)
    reachable = _reachable(using, offered) if is_known else {}
    if env is None and reachable:
        env = next(iter(reachable if offered is None else _reachable(using, None)), None)
    if env is None or env not in reachable:
        if is_known and (reachable if offered is None else env not in offered):
            raise (NOT_OFFERED if asked else OWN_NOT_OFFERED).broken(env=asked, using=using)
        where = asked and _("%(what)s (%(facts)s)", what=using, facts=asked)
        raise NO_STORE.broken(where=where or using)
    return Target(using, env, labelled(using, reachable[env].label))


def _takes_uploads(using: str) -> bool:
    """Return whether UPLOAD_STORES allows the store; without this setting, all are allowed."""
    opened = platform_options().upload_stores
    return opened is None or using in opened


def _reachable(using: str, offered: Mapping[str, Offer] | None) -> Mapping[str, Offer]:
    """Return the environments of a store, with labels; none if it is misconfigured."""
    try:
        options = options_for(using)
        if offered is not None:
            return offered
        env = str(options.settled().env)
    except Exception as error:  # noqa: BLE001 -- `env` may be a project's own function
        logger.warning("The store %s is left out (%s)", using, type(error).__name__)
        return {}
    return {env: Offer(env)}


def authorize_upload(
    user: User,
    to: Target,
    name: str,
    file: BinaryIO,
    *,
    size: int,
    claim: Claim,
    overwrite: bool = False,
    precondition: Callable[[str], object] = lambda key: None,
) -> UploadItem:
    """
    Return the item to upload for this user; raises PolicyRejected, or NameRejected.

    `name` is below the store's location: the folder and the file's own name. The store is asked
    whether the key is free; its errors, such as WeChatError, are raised, too. The same bytes may be
    sent again, as they replace nothing. The `claim` takes the key for a minute.
    """
    key = key_for(user, to, name, file, size=size)
    name = clean_name(name)
    _ask_project(user, name, file)  # first: if a call fails, the bytes are kept
    precondition(key)
    if not (overwrite and may(user, Act.REPLACE)):
        _ask_store(to, key, file, claim, by_list=overwrite)
    md5 = digest(file)  # by which a retry finds the bytes
    return UploadItem(name, open=lambda: file, size=measure(file), md5=md5, close=False)


def _ask_store(to: Target, key: str, file: BinaryIO, claim: Claim, *, by_list: bool) -> None:
    """Claim the key; raises PolicyRejected unless it is free or holds these very bytes."""
    store = get_store(to.using, to.env)
    options = store.options
    # Claim before asking: of two uploads at once, both would see a free key.
    if not claim.take(options, key):
        raise IN_PROGRESS.broken(key=key)
    try:
        if row := row_ahead(to.using, options, key):
            found = row.file
        elif by_list or not may_wait(to.using, options):
            found = look(store, key).taken_by
        else:  # while the cloud is away, by the log
            found = seen(options, key, ask=options.wait != "always").taken_by
        if found and not (found.size == measure(file) and found.md5 == digest(file)):
            raise EXISTS.broken(key=key)
    except BaseException:
        claim.release(key)
        raise


def key_for(user: User, to: Target, name: str, file: BinaryIO, *, size: int) -> str:
    """Return the key of the file; raises like `authorize_upload`, but makes no call."""
    enforce(user, FORBIDDEN)
    name = clean_name(name)
    key = object_key(options_for(to.using).location, name)
    # An empty `file` stands for a file whose bytes have not arrived yet.
    for rule, facts in findings(name, file, size, platform_options()):
        enforce(user, rule, **facts)
    return key


def questions(
    user: User, to: Target, name: str, file: BinaryIO, *, size: int
) -> list[str | Promise]:
    """Return the questions to a person before the file is public; raises like `key_for`."""
    key_for(user, to, name, file, size=size)
    file.seek(0)
    return [rule.message % facts for rule, facts in doubts(name, file, size)]


def check_folder(user: User, folder: str, paths: list[str]) -> None:
    """Raise the refusal of the folder itself; `paths` are the files in it."""
    allowed = platform_options().upload_location
    for rule, facts in in_name(clean_name(f"{folder}a")):
        enforce(user, rule, **facts)
    if paths and not any((folder + path).startswith(allowed) for path in paths):
        enforce(user, FOLDER, folder=allowed)


def generated_name(name: str) -> str:
    """Return a new name that nobody can guess, in the same folder and with the same ending."""
    folder, slash, base = name.rpartition("/")
    ending = endings_of(base)[-1]
    return folder + slash + uuid.uuid4().hex + (f".{ending}" if ending else "")


def _ask_project(user: User, name: str, file: BinaryIO) -> None:
    """Call UPLOAD_CHECK; raises its refusal, or ConfigurationError if it fails."""
    check = platform_options().upload_check
    if check is None:
        return
    file.seek(0)
    try:
        check(user, name, file)
    except ValidationError as error:
        hint = _("This site checks its files: change the file and try again.")
        raise PolicyRejected(sentences(error.messages), code="content", hint=hint) from None
    except Exception as error:  # noqa: BLE001 -- a project's own function
        text = _("UPLOAD_CHECK failed (%(error)s)", error=f"{type(error).__name__}: {error}")
        raise ConfigurationError(text, stage="policy") from None
