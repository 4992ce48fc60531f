"""Rollouts as their rows say, and the pages of them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.rollouts.conftest import counts_of_rows
from wx_static_store.deploy.state import live
from wx_static_store.models import Deployment, Release
from wx_static_store.rollouts.models import Rollout, RolloutEnvironment

PAGES = "admin:wx_static_store_rollouts_rollout_"
STATES = {state[0]: state for state in RolloutEnvironment.State.values}
WHY = {
    "cause": "85088",
    "errcode": 85088,
    "message": "staticuploadfile was refused (errcode 85088)",
}
NO_TOKEN = {"cause": "TokenUnavailable", "errcode": None, "message": "There is no token"}


def env(position: int) -> str:
    return f"tenant-{position:02}"


def release_of(letter: str) -> Release:
    """Return the release whose digest is made of this letter."""
    given = {"files": b"", "count": 1, "size": 1}
    return Release.objects.get_or_create(digest=letter * 64, defaults=given)[0]


def rollout_of(*waves: str, deployed: bool = True, why: Any = WHY, **columns: Any) -> Rollout:
    """`rollout_of("d", "dfw")`: two waves, by the first letters of the states."""
    given = {"using": "site", "waves": "100%", "state": "running", "release": release_of("a")}
    rollout = Rollout.objects.create(**given | columns)
    letters = [(number, letter) for number, wave in enumerate(waves, 1) for letter in wave]
    for position, (wave, letter) in enumerate(letters):
        row = RolloutEnvironment(rollout=rollout, env=env(position), position=position, wave=wave)
        row.state, row.release = STATES[letter], rollout.release
        if letter in "dfr":
            before = live(row.env, rollout.folder)
            row.begun, row.before = timezone.now(), before and before.release
            row.tries = 1
        if letter in "df" and deployed:
            row.deployment = deployment_of(row.env, rollout, failed=letter == "f")
        if letter == "f":
            vars(row).update(why)
        row.save()
    vars(rollout).update(counts_of_rows(rollout))
    rollout.save()
    return rollout


def deployment_of(env: str, rollout: Rollout, *, failed: bool = False, **more: Any) -> Deployment:
    given = {"using": rollout.using, "folder": rollout.folder, "release": rollout.release}
    outcome = "failed" if failed else "done"
    return Deployment.objects.create(env=env, source="wx_rollout", outcome=outcome, **given | more)


def address(page: str, *args: Any) -> str:
    given = [getattr(each, "pk", each) for each in args]
    return reverse(f"{PAGES}{page}", args=given)


def html_of(client: Client, page: str, *args: Any) -> str:
    answer = client.get(address(page, *args))
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def text_of(html: str) -> str:
    """Return what a reader sees below the heading."""
    own = html.partition('class="wx-title"')[2].partition("</header>")[2]
    return " ".join(unescape(re.sub("<[^>]*>", " ", own or html)).split())


def squares(html: str) -> list[tuple[str, str]]:
    """Return the class of each square, and what it says to a screen reader."""
    pattern = r'<li class="wx-square wx-(\w+)" title="([^"]*)"><span class="wx-hidden">([^<]*)<'
    found = re.findall(pattern, html)
    assert all(title == text for _state, title, text in found)
    return [(state, unescape(text)) for state, _title, text in found]


def buttons(html: str) -> list[str]:
    """Return what may be pressed."""
    pressed = re.findall(r'name="action" value="([\w-]+)"', html)
    return [*pressed, *(["rollback"] if re.search(r'href="[^"]*/rollback/"', html) else [])]
