"""
Which tests CI runs where: ``python -m tests.parts CI VERSIONS`` prints them for pytest.

Whatever stands in neither list runs once, with the lowest versions and under coverage:
``python -m tests.parts --without CI`` prints how.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

TESTS = Path(__file__).parent

# A line is a folder of `tests`, then the modules of it that are meant: all, if none is named.
# What another Python, Django or requests can change: it runs on each of the three.
VERSIONS = """
    admin
    api
    callback
    clients
    conf
    log
    management
    models
    security
    templatetags
    health     check models tasks
    health/admin
    health/api
    health/management
    health/templatetags
    rollouts   models tasks
    rollouts/admin
    rollouts/api
    rollouts/management
    rollouts/templatetags
    .          apps environments example exceptions forms i18n signals staticfiles storage tasks
    .          testing urls
"""
# What needs a package of the extra ci, or looks at sources, pages, processes or time. It runs once.
CI = """
    api        generated_clients schemathesis version
    .          packaging
    django_suite
    browser
    processes
    docs
    automation
    faults
    soak
    model
    upload     shared_limiter
    observers
    causes     everywhere
    core       interrupts
    rollouts   scale
    databases  releases
    emulator   cos_sdk variants
    .          architecture changed memory metadata parts properties reference s3 sabotage
    .          secret_scan speed storage_contract tables translations types workflows
"""
# Of others, what takes long runs beside those of VERSIONS, where WX_SLOW is set.
SLOW = """
    databases  scale_overview
    deploy     log_lines
    log        reconcile
    rollouts   outage
    upload     uploader
"""
# Too long for one worker: each takes the tests of another first parameter.
SHARED = """
    browser    pages themes
"""
# Workers begin with these, the longest first: at the end all of them are busy with short ones.
LONG = """
    browser    themes pages
    api        generated_clients schemathesis version
    .          packaging
    django_suite
    browser
    soak
    processes  push kill killed_deploy wx_deploy concurrency emulator
    faults     faults
    docs
    upload     uploader
    observers
    management wx_deploy_last_words modes
    .          staticfiles
    security   entries
    core       interrupts
    admin/log  step_results
    health/doctor      probe visit
    api        at_once servers fifty_clients schema
    rollouts   lifecycle environment state_machine
    rollouts/api       start
    admin/deployment   rollback
    model
"""
# Where a query, a lock or a transaction is the fact: PostgreSQL and MariaDB run it, too.
DATABASES = """
    admin      base causes deployments filters uploads
    admin/cloud        table
    admin/deployment   columns compare
    admin/log          export failing
    admin/upload       names preview
    api        at_once deployments idempotency lists paging retry
    callback   accounts models rows tickets
    databases
    deploy     media_import plan_current_state records state
    health     models
    health/alerts      watch
    log        compare failing owner prune reconcile retention
    log        retry source_of
    models
    releases   rollback
    rollouts   access advance drift lifecycle models overview rollback_targets rows
    rollouts   snapshot state_machine workers
    rollouts/admin     overview progress rollouts table
    rollouts/api       views
    upload     database kept recorder waiting_invariants
    .          broken_off
"""


def paths(table: str) -> Iterator[str]:
    """Yield the folders and modules of a list, as pytest takes them."""
    for line in table.strip().splitlines():
        folder, *names = line.split()
        for name in [f"test_{name}.py" for name in names] or [""]:
            yield str(Path("tests", folder, name))


def main(arguments: Sequence[str]) -> None:
    option = "--ignore=" if "--without" in arguments else ""
    lists = [globals()[name] for name in arguments if name != "--without"]
    sys.stdout.write(" ".join(option + path for table in lists for path in paths(table)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
