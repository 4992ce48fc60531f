"""What the stores of one platform share, and what a child process may not share with its parent."""

import os
import subprocess
import sys

import pytest

FORK = """
import os, sys
from wx_static_store.options import Options
from wx_static_store.platforms import platform_for
from wx_static_store.secrets import Secret

options = Options(env="env-1", access_token=Secret("token"))
of_the_parent = platform_for(options)
assert platform_for(options) is of_the_parent
if (child := os.fork()) == 0:
    os._exit(7 if platform_for(options).transport is of_the_parent.transport else 0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_process_makes_a_session_of_its_own() -> None:
    """Measured, M15: on a shared connection half of the answers are another process's."""
    done = subprocess.run([sys.executable, "-c", FORK], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
