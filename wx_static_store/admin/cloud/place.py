"""Where the page *Files in the cloud* is: a store at an environment, a folder, and how far on."""

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.http import Http404, HttpRequest, QueryDict
from django.utils import timezone

from ...conf import aliases
from ...conf.settings import setting
from ...core.refusals import PolicyRejected, User
from ...core.retry import REQUEST
from ...models import UploadLog
from ...submit.access import reach
from ...submit.policy import Target, stores_for, target
from ...upload.store import Store, get_store, store_for
from .folders import Folder, RecentPages, read_folder


@dataclass(frozen=True)
class Place:
    """A folder of an environment, seen through a store; `marker`: only what follows it."""

    to: Target
    folder: str
    marker: str

    @cached_property
    def store(self) -> Store:
        options = get_store(self.to.using, self.to.env).options
        third = REQUEST / 3  # a page makes three calls
        return store_for(replace(options, deadline=min(options.deadline or third, third)))

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters of an address that leads to this place."""
        query = {"store": self.to.using, "env": self.to.env, "folder": self.folder}
        return query | ({"marker": self.marker} if self.marker else {})

    def read(self, *, fresh: bool = False) -> tuple[Folder, float]:
        """Return the content of the folder and the time of its list; raises what that raises."""
        pages = RecentPages(self.store, fresh=fresh)
        folder = read_folder(pages, self.folder, self.marker)
        moment = datetime.fromtimestamp(pages.asked, UTC)
        if not setting("USE_TZ"):
            moment = timezone.make_naive(moment)
        recent = UploadLog.objects.primary().filter(created__gt=moment, env=self.to.env)
        # A list that is older than the newest upload from here does not show it.
        if not fresh and recent.filter(key__startswith=self.folder).exists():
            return self.read(fresh=True)
        return folder, pages.asked

    def upload_target(self, user: User) -> dict[str, str] | None:
        """Return the initial values of the upload page; None if it cannot upload to this folder."""
        location = self.store.options.location
        offered = any((to.using, to.env) == (self.to.using, self.to.env) for to in stores_for(user))
        if not (offered and self.folder.startswith(location)):
            return None
        folder = self.folder.removeprefix(location)
        return {"store": f"{self.to.using}@{self.to.env}", "folder": folder}


def place_of(request: HttpRequest, asked: QueryDict) -> Place | None:
    """Return the named place, or the user's first one; raise Http404 if it may not be seen."""
    to = _target(request.user, asked)
    if to is None:
        return None
    folder = asked.get("folder", get_store(to.using, to.env).options.location)
    if "\0" in folder:  # PostgreSQL compares no text with it
        raise Http404
    slash = "/" if folder and not folder.endswith("/") else ""
    return Place(to, folder + slash, asked.get("marker", ""))


def _target(user: User, asked: QueryDict) -> Target | None:
    using, env = asked.get("store"), asked.get("env")
    first = [*(reach(user) or ())][:1]
    for name in [using] if using else aliases():
        for each in [env] if env else [None, *first]:
            with suppress(PolicyRejected):
                return target(user, name, each, uploads=False)
    if using or env:
        raise Http404
    return None


def choices(user: User, place: Place) -> dict[str, Any]:
    """Return the stores and the environments that may be chosen, each with its label."""
    offered = reach(user) or {}
    env = place.to.env if offered else None
    stores = []
    for using in aliases():
        with suppress(PolicyRejected):
            target(user, using, env, uploads=False)
            stores.append(using)
    envs = [(env, offer.label) for env, offer in offered.items()]
    return {"stores": stores, "envs": envs}
