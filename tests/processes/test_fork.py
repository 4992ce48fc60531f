"""Workers that were forked from a warm parent never read each other's answers."""

import http.client
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import slow
from tests.processes.conftest import Project, gunicorn, new_project

pytestmark = slow

WORKERS = 4
ROUNDS = 12  # requests for each worker, of four calls each


@dataclass
class Answer:
    """Of the site, to one request."""

    sent: bytes
    status: int  # 0: none came
    body: bytes = b""
    name: str = ""
    worker: str = ""

    @property
    def is_ours(self) -> bool:
        return self.status == 200 and self.body == self.sent


def post(address: str, name: str, body: bytes) -> Answer:
    connection = http.client.HTTPConnection(address, timeout=60)
    try:
        connection.request("POST", f"/save/{name}", body)
        reply = connection.getresponse()
        content, headers = reply.read(), reply.headers
    except (OSError, http.client.HTTPException):
        return Answer(body, 0)
    finally:
        connection.close()
    return Answer(
        body, reply.status, content, headers.get("X-Name", ""), headers.get("X-Worker", "")
    )


def save_many(
    project: Project, rounds: int, *, patience: float, keep_session: bool
) -> list[Answer]:
    """Different files, each in one request, with the workers all busy at the same time."""

    def one(number: int) -> Answer:
        body = b"only of request %d. " % number * (1 + number % 97 * 20)
        return post(address, f"{number % 7}/{number}.txt", body)

    project.options = {"READ_TIMEOUT": patience, "MAX_ATTEMPTS": 1}
    project.cloud.quirks.latency_api = 0.02
    with (
        gunicorn(project, f"--workers={WORKERS}", keep_session=keep_session) as address,
        ThreadPoolExecutor(2 * WORKERS) as pool,
    ):
        return list(pool.map(one, range(rounds * WORKERS)))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with new_project(tmp_path_factory.mktemp("fork")) as project:
        yield project


@pytest.fixture(scope="module")
def answers(project: Project) -> list[Answer]:
    return save_many(project, ROUNDS, patience=30, keep_session=False)


def test_every_forked_worker_took_part(answers: list[Answer]) -> None:
    assert len({answer.worker for answer in answers}) == WORKERS


def test_no_worker_gets_the_answer_of_another(answers: list[Answer]) -> None:
    assert [answer for answer in answers if not answer.is_ours] == []


def test_every_object_is_what_its_request_sent(project: Project, answers: list[Answer]) -> None:
    objects = {key: found.body for key, found in project.cloud.objects().items()}
    assert objects == {answer.name: answer.sent for answer in answers} | {"warm.txt": b"warm"}


def test_every_save_has_its_row(project: Project, answers: list[Answer]) -> None:
    keys = sorted(key for _id, key, status, _md5 in project.rows() if status == "stored")
    assert keys == sorted([*(answer.name for answer in answers), "warm.txt"])


def test_the_token_was_fetched_once(project: Project, answers: list[Answer]) -> None:
    assert len(project.cloud.calls("api_component_token")) == 1


def test_a_session_kept_over_the_fork_gives_foreign_answers(tmp_path: Path) -> None:
    """The control: the workers take themselves for their parent, and the tests above would fail."""
    with new_project(tmp_path) as project:
        answers = save_many(project, 4, patience=1, keep_session=True)
    assert [answer for answer in answers if not answer.is_ours] != []
