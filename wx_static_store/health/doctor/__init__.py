"""
The doctor: what is wrong, and what to do about it.

It asks and never guesses. The same ordered list of checks is the command, the admin page and the
API; each check has an id, one question, one answer and one remedy.

    latest        The newest results, kept for the admin, the API and monitors
    table         All checks, in the order in which they are asked
    probe         One small file, public for a moment: how WeChat and COS treat it
    visit         How the public address serves the probe's file
    clock         The clocks of WeChat and of COS against ours
    browser       Whether a browser may PUT to the bucket by itself
    environments  The environments of the platform and of our settings, and their static hosting
    quota         How many calls WeChat still allows today
    token         Where the token comes from, and whether WeChat accepts it
    pushes        The verify ticket, and whether WeChat's pushes arrive
    waiting       The files that wait: who sends them, how old they are, which need a person
    services      The private storages, and Celery where rollouts are used
    cache         The cache that all processes share: whether it works, and what it may drop
    database      The tables of the app, and whether the log can be written
    settings      Django's own system checks of this app, and the stores that the settings make
    report        The results as lines, and as JSON
    examination   Ask the checks in order, each with its own timeout
    probe_file    The file of a probe: sent, requested, and overwritten at the end
    facts         The kinds of facts with their advice, and what probes have learned
    findings      A check and its findings
    target        The platform and stores to check, and their answers so far
"""

__all__ = ()
