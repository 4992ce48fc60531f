"""Show which release a tree becomes, and to which folder it goes."""

from pathlib import Path

import pytest

from tests.deploys import TREE, write
from tests.rollouts.conftest import cloud as cloud, deployed, envs as envs, release as release
from wx_static_store.deploy.tree import Tree, read_tree
from wx_static_store.emulator import EmulatorServer
from wx_static_store.exceptions import ConfigurationError
from wx_static_store.models import Release
from wx_static_store.releases.payload import of_tree

pytestmark = pytest.mark.django_db


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    write(tmp_path / "site", TREE)
    return read_tree(tmp_path / "site")


def test_the_files_of_a_tree_that_was_deployed_are_its_release(
    envs: list[str], release: Release, tree: Tree
) -> None:
    assert of_tree(tree, envs, using="site").release == release


@pytest.mark.parametrize("in_request", [True, False])
def test_a_request_does_not_ask_the_log_what_changes_in_place(
    envs: list[str], cloud: EmulatorServer, tmp_path: Path, in_request: bool
) -> None:
    deployed(tmp_path / "old", TREE, envs[-1], "v1")
    write(tmp_path / "new", TREE | {"logo.svg": b"<svg id='new'/>"})
    new = read_tree(tmp_path / "new")
    found = of_tree(new, envs, using="site", in_request=in_request)
    assert any("logo.svg changes" in doubt for doubt in found.doubts) is not in_request


def test_headers_of_a_tree_are_in_its_release_and_what_no_bucket_can_is_a_warning(
    envs: list[str], cloud: EmulatorServer, tmp_path: Path
) -> None:
    rules = b"/*.svg\n Expires: 0\n Link: </a>\n"
    write(tmp_path / "site", TREE | {"_headers": rules})
    found = of_tree(read_tree(tmp_path / "site"), envs, using="site")
    others = {file.name: file.headers.other_headers for file in found.release.contents()}
    assert others == dict.fromkeys(TREE, "") | {"logo.svg": "Expires: 0"}
    warning = "_headers:3: Not sent: Link. Write that into the pages as <meta> or <link>."
    assert warning in found.warnings()


def test_a_media_store_is_refused(cloud: EmulatorServer, envs: list[str], tree: Tree) -> None:
    with pytest.raises(ConfigurationError, match=r"'default' is a media store.*has: site"):
        of_tree(tree, envs, using="default")
