"""
A tree of files, published to one environment or to many.

    media_import   Copy another storage's files into a store of media, and compare them
    environments   Run one deploy for each environment, in turn; a canary first
    step_summary   The result of a deploy, on the page that GitHub shows of a step
    records        Plan and record the releases of a folder, and find them again
    publish        Send what a plan names: assets, then pages, then the manifest; the progress
    report         The result of a deploy: as JSON, and as lines on a terminal
    plan           What differs from the cloud, and in which order it is sent
    state          Which release a folder should have, which is live, and whether it is whole
    link_check     References that lead nowhere, and files that change under pages that load them
    paths          What visitors get at addresses without a file, and without the last slash
    locks          One deploy at a time per environment, by the cache that all processes share
    archive        An uploaded archive of a built site, unpacked into a temporary folder
    tree           The files of a folder, as items to publish
    site_files     What _headers and _redirects of a folder ask for, as far as a bucket can do it
    references     The addresses that pages and style sheets refer to or load
    log_lines      Warnings of the log on a terminal, where the project logs them nowhere
    verify         Compare the cloud and the public site afterwards; find stale files
"""

from .report import PublishFailed

__all__ = ["PublishFailed"]
