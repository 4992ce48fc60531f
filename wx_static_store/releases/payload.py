"""A tree that becomes a release, with its store and folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..conf import options_for
from ..conf.options import MEDIA
from ..deploy.archive import unpack_site
from ..deploy.environments import allowance_for, site_stores, site_uploader
from ..deploy.link_check import OWN_SECONDS, preflight
from ..deploy.plan import hash_items
from ..deploy.records import Records
from ..deploy.state import NO_LOG
from ..deploy.tree import Tree, read_tree
from ..exceptions import ConfigurationError
from ..i18n import gettext_lazy as _, listed
from ..models import Release
from ..upload.workers import WorkerPool
from .rollback import check_storage


@dataclass(frozen=True)
class Payload:
    """A release, the store and the folder of its keys, and the environments that get it."""

    using: str
    folder: str
    release: Release
    envs: Sequence[str]
    doubts: Sequence[str] = ()  # about the tree

    @property
    def targets(self) -> dict[str, Release]:
        return dict.fromkeys(self.envs, self.release)

    def warnings(self) -> list[str]:
        """Return all doubts, and those of WeChat's quota if every file must be sent."""
        most = self.release.count * len(self.envs)
        return [*self.doubts, *allowance_for(options_for(self.using), most).doubts()]


def of_archive(file: Any, envs: Sequence[str], *, using: str, prefix: str) -> Payload:
    """Record the site in an uploaded archive as a release, and keep its bytes."""
    with unpack_site(file.file, file.name) as folder:
        return of_tree(read_tree(folder, prefix, options_for(using).location), envs, using=using)


def of_tree(tree: Tree, envs: Sequence[str], *, using: str, in_request: bool = True) -> Payload:
    """Record these files as a release, and keep their bytes."""
    check_storage()
    check_store(using, envs)
    uploader = site_uploader(using, envs[0])
    location = uploader.options.location
    prefix, items = tree.prefix, hash_items(tree.items)
    # To ask the log what changes in each environment takes too long there, and it only warns.
    look: dict[str, Any] = {} if in_request else {"envs": envs, "seconds": OWN_SECONDS}
    doubts = [*tree.notes, *preflight(items, prefix=prefix, location=location, **look)]
    with WorkerPool(uploader.options.max_workers) as pool:
        columns = Records(using, prefix).record(uploader, items, tree.last, pool)
    if columns["release"] is None:
        raise ConfigurationError(NO_LOG)
    return Payload(using, location + prefix, columns["release"], envs, doubts)


def check_store(using: str, envs: Sequence[str]) -> None:
    """Raise ConfigurationError if no site can be deployed with this alias to these."""
    options = options_for(using)
    if options.kind == MEDIA:
        sites = listed(site_stores() or ["-"])
        hint = _("Name a store for sites. This project has: %(aliases)s.", aliases=sites)
        raise ConfigurationError(_("%(alias)r is a media store", alias=using), hint=hint)
    for env in envs:
        options.for_env(env)
