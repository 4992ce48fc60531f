"""The pages of ours, in each state that an editor or operator may see them in."""

import io
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from tests.conftest import ENV
from tests.demo import Site, shell

BUSY = {"on": "staticuploadfile", "do": "errcode", "errcode": 45009, "times": None}


def list_page(page: Page, site: Site) -> None:
    page.goto(f"{site.log}/")
    expect(page.locator("#result_list")).to_be_visible()


def detail(page: Page, site: Site) -> None:
    list_page(page, site)
    page.goto(site.site + first_link(page, "/uploadlog/"))


def upload(page: Page, site: Site) -> None:
    page.goto(f"{site.log}/upload/")
    expect(page.locator("#wx-upload")).to_be_visible()


def chosen(page: Page, site: Site) -> None:
    upload(page, site)
    page.select_option("[name=store]", value=media_store(page))
    page.fill("[name=folder]", f"uploads/{uuid4().hex}/")
    page.set_input_files("[name=file]", [file("a.txt", b"tea"), file("b.txt", b"more tea")])
    expect(page.locator("#wx-queue .wx-tick :checked")).to_have_count(2)


def refused(page: Page, site: Site) -> None:
    """Before a byte is sent: one name can be no key, another is taken, and one file is empty."""
    uploaded(page, site)
    files = [file("a.txt", b"changed"), file("bad?.txt", b"tea"), file("empty.txt", b"")]
    page.set_input_files("[name=file]", files)
    expect(page.locator(".wx-state.wx-refused")).to_have_count(1)
    expect(page.locator(".wx-state.wx-ask")).to_have_count(1)
    expect(page.locator(".wx-choice:visible")).to_have_count(1)


def uploaded(page: Page, site: Site) -> None:
    """One file is public, another failed."""
    chosen(page, site)
    site.script(BUSY | {"key": "*/b.txt"})
    page.click("#wx-upload [type=submit]")
    expect(page.locator(".wx-result.wx-stored")).to_have_count(1)
    expect(page.locator(".wx-result.wx-failed")).to_have_count(1)
    page.locator(".wx-result.wx-stored summary").click()


def fail(page: Page, site: Site) -> str:
    """Let an upload fail; return the address of its row."""
    uploaded(page, site)
    site.script()
    page.goto(f"{site.log}/?status=failed")
    return site.site + first_link(page, "/uploadlog/")


failed = cache(fail)  # once for all pages that only show it


def failed_list(page: Page, site: Site) -> None:
    failed(page, site)
    page.goto(f"{site.log}/?status=failed")
    expect(page.locator("#result_list")).to_contain_text("45009")


def failed_detail(page: Page, site: Site) -> None:
    page.goto(failed(page, site))


def received(page: Page, site: Site) -> None:
    """Ask WeChat what it received with a refused upload."""
    page.goto(fail(page, site))
    page.click(".wx-ask")
    expect(page.locator(".wx-body")).to_have_count(2)


def not_received(page: Page, site: Site) -> None:
    page.goto(fail(page, site))
    site.script({"on": "rid_get", "do": "errcode", "errcode": 76003})
    page.click(".wx-ask")
    expect(page.locator("#wx-received")).to_contain_text("76003")


def compared(page: Page, site: Site) -> None:
    """One file as it is, one that the log has as failed."""
    failed(page, site)
    list_page(page, site)
    for box in page.locator("#result_list .action-select").all()[:3]:
        box.check()
    page.select_option("[name=action]", value="compare")
    page.click("#changelist-form [name=index]")
    expect(page.locator(".wx-steps tbody .wx-badge")).to_have_count(3)
    expect(page.locator("#wx-stop")).to_be_hidden()


def files(page: Page, site: Site) -> None:
    """Open a folder of pictures."""
    page.goto(f"{site.log}/files/?store=staticfiles&folder=static/admin/img/&q=yes")
    expect(page.locator(".wx-cards tbody img").first).to_be_visible()


def chosen_files(page: Page, site: Site, button: str) -> None:
    files(page, site)
    for box in page.locator("[name=key]").all()[:2]:
        box.check()
    page.click(f'[formaction$="/{button}/"]')


def files_unpublic(page: Page, site: Site) -> None:
    """Stop before the confirmation."""
    chosen_files(page, site, "unpublish")
    expect(page.locator(".wx-names [name=key]")).to_have_count(2)


def failing(page: Page, site: Site) -> None:
    failed(page, site)
    page.goto(f"{site.log}/failing/")
    expect(page.locator(".wx-cause").first).to_contain_text("b.txt")


def deployments(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store/deployment/")
    expect(page.locator("#result_list")).to_be_visible()


def deployment(page: Page, site: Site) -> None:
    deployments(page, site)
    page.goto(site.site + first_link(page, "/deployment/"))


def published(folder: str, releases: Mapping[str, Mapping[str, str]]) -> list[int]:
    """Deploy trees of files to a folder, one after the other; return the deployments' ids."""
    code = (
        "from io import StringIO\n"
        "from pathlib import Path\n"
        "from tempfile import TemporaryDirectory\n"
        "from django.core.management import call_command\n"
        "from wx_static_store.models import Deployment\n"
        f"for label, files in {releases!r}.items():\n"
        "    with TemporaryDirectory() as root:\n"
        "        for name, text in files.items():\n"
        "            Path(root, name).write_text(text)\n"
        "        how = {'using': 'site', 'label': label, 'yes': True, 'stdout': StringIO()}\n"
        f"        call_command('wx_deploy', root, {folder!r}, **how)\n"
        "    print(Deployment.objects.latest('id').pk)"
    )
    return [int(pk) for pk in shell(code).split()]


@cache
def two_releases(site: Site) -> list[int]:
    """Deploy two releases to a folder, once for all pages; return their ids."""
    old = {"index.html": "<h1>Tea</h1>\n", "gone.css": "a {}\n"}
    new = {"index.html": "<h1>More tea</h1>\n", "new.css": "b {}\n"}
    return published("spring/", {"v1.4.0": old, "v1.5.0": new})


def live_releases(page: Page, site: Site) -> None:
    two_releases(site)
    deployments(page, site)
    expect(page.locator(".wx-live-now")).to_contain_text("v1.5.0")


def compare_releases(page: Page, site: Site, query: str = "") -> None:
    """Compare the release that is not live any more."""
    old, _new = two_releases(site)
    page.goto(f"{site.admin}/wx_static_store/deployment/{old}/compare/{query}")
    expect(page.locator(".wx-compare")).to_be_visible()


def compare_cloud(page: Page, site: Site) -> None:
    compare_releases(page, site, "?with=cloud")
    expect(page.locator(".wx-counts")).to_be_visible()


def roll_back(page: Page, site: Site) -> None:
    old, _new = two_releases(site)
    page.goto(f"{site.admin}/wx_static_store/deployment/{old}/rollback/")
    for summary in page.locator(".wx-rollback summary").all():
        summary.click()
    expect(page.locator(".wx-names")).to_have_count(2)


def rolled_out(site: Site, letters: str, **columns: str) -> int:
    """Record a rollout of a release, with an environment for each letter; return its id."""
    two_releases(site)
    of = {"waiting": "w", "under_way": "qr", "done": "d", "failed": "f"}
    given = columns | {name: sum(map(letters.count, each)) for name, each in of.items()}
    code = (
        "from wx_static_store.models import Deployment\n"
        "from wx_static_store.rollouts.models import Drift, Rollout, RolloutEnvironment\n"
        "live = Deployment.objects.filter(label='v1.5.0').latest('id')\n"
        "to = {name: getattr(live, name) for name in ('using', 'folder', 'release')}\n"
        f"rollout = Rollout.objects.create(**to, waves='1,100%', wave=2, **{given!r})\n"
        "states = {state[0]: state for state in RolloutEnvironment.State.values}\n"
        "refused = {'cause': '85088', 'errcode': 85088, 'message': 'refused (errcode 85088)'}\n"
        "Drift.objects.update_or_create(env=live.env, using=live.using, defaults={'missing': 1})\n"
        f"for number, letter in enumerate({letters!r}):\n"
        "    RolloutEnvironment.objects.create(\n"
        "        rollout=rollout, env=f'tenant-{number:02}' if number else live.env,\n"
        "        position=number, wave=1 + (number > 0), state=states[letter],\n"
        "        release=live.release, deployment=live if letter in 'df' else None,\n"
        "        **refused if letter == 'f' else {},\n"
        "    )\n"
        "print(rollout.pk)"
    )
    return int(shell(code))


@cache
def stopped_rollout(site: Site) -> int:
    """Record a rollout that stopped itself, once for all pages; return its id."""
    return rolled_out(site, "dfdfdqrw", label="v1.5.0 for all", state="stopped")


def rollouts(page: Page, site: Site) -> None:
    stopped_rollout(site)
    page.goto(f"{site.admin}/wx_static_store_rollouts/rollout/")
    expect(page.locator("#result_list")).to_contain_text("v1.5.0 for all")


def rollout(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store_rollouts/rollout/{stopped_rollout(site)}/change/")
    expect(page.locator(".wx-squares .wx-square")).to_have_count(8)


def rollout_back(page: Page, site: Site) -> None:
    number = stopped_rollout(site)
    page.goto(f"{site.admin}/wx_static_store_rollouts/rollout/{number}/rollback/")
    expect(page.locator("#content")).to_contain_text("v1.5.0 for all")


def overview(page: Page, site: Site) -> None:
    stopped_rollout(site)
    page.goto(f"{site.admin}/wx_static_store_rollouts/overview/")
    expect(page.locator(".wx-environments tbody tr").first).to_be_visible()


def environment(page: Page, site: Site) -> None:
    stopped_rollout(site)
    page.goto(f"{site.admin}/wx_static_store_rollouts/overview/{ENV}/")
    expect(page.locator(".wx-site")).to_be_visible()


def index(page: Page, site: Site) -> None:
    stopped_rollout(site)
    page.goto(f"{site.admin}/")
    expect(page.locator("#wx-overview-panel")).to_have_count(1)


def app_index(page: Page, site: Site) -> None:
    stopped_rollout(site)
    page.goto(f"{site.admin}/wx_static_store/")
    expect(page.locator("#wx-overview-panel")).to_have_count(1)


def publish(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store/deployment/publish/")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.html", "<script src=gone.js></script>")
    file = {"name": "dist.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    page.set_input_files("[name=file]", [file])
    page.fill("[name=folder]", "autumn")
    page.click('.wx-buttons [type="submit"]')
    expect(page.locator("[name=order]")).to_have_count(1)


def publish_error(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store/deployment/publish/")
    page.set_input_files("[name=file]", [file("dist.zip", b"no archive")])
    page.click('.wx-buttons [type="submit"]')
    expect(page.locator(".form-row.errors .errorlist")).to_have_count(1)


def health(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/wx_static_store_health/health/")
    page.get_by_role("button").last.click()
    expect(page.locator(".wx-check").first).to_be_visible()


def document(page: Page, site: Site) -> None:
    page.goto(f"{site.admin}/documents/document/1/change/")
    expect(page.locator(".wx-file")).to_have_count(2)
    for summary in page.locator(".wx-file summary").all():
        summary.click()


def failed_document(page: Page, site: Site) -> None:
    document(page, site)
    site.script(BUSY)
    page.set_input_files("[name=file]", [file("new.txt", b"new")])
    page.click("[name=_continue]")
    expect(page.locator(".errorlist").first).to_contain_text("45009")


def file(name: str, content: bytes) -> Any:
    return {"name": name, "mimeType": "text/plain", "buffer": content}


def media_store(page: Page) -> str:
    values = page.locator("[name=store] option").evaluate_all("all => all.map(one => one.value)")
    return next(value for value in values if value.startswith("default"))


def first_link(page: Page, part: str) -> str:
    """Open the page of the first row."""
    link = page.locator(f'#result_list a[href*="{part}"][href*="/change/"]').first
    return str(link.get_attribute("href"))


PAGES: dict[str, Callable[[Page, Site], None]] = {
    "list": list_page,
    "list-failed": failed_list,
    "detail": detail,
    "detail-failed": failed_detail,
    "detail-received": received,
    "detail-not-received": not_received,
    "upload": upload,
    "upload-chosen": chosen,
    "upload-refused": refused,
    "upload-after": uploaded,
    "compare": compared,
    "files": files,
    "files-unpublic": files_unpublic,
    "failing": failing,
    "deployments": deployments,
    "deployment": deployment,
    "deployments-live": live_releases,
    "compare-releases": compare_releases,
    "compare-cloud": compare_cloud,
    "roll-back": roll_back,
    "rollouts": rollouts,
    "rollout": rollout,
    "rollout-back": rollout_back,
    "overview": overview,
    "environment": environment,
    "index": index,
    "app-index": app_index,
    "publish": publish,
    "publish-error": publish_error,
    "health": health,
    "document": document,
    "document-failed": failed_document,
}
