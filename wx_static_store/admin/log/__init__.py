"""
Actions on rows of the log, and their pages.

    failing       the page *Still failing*
    actions       upload again, compare with the cloud, export
    steps         the page of a long action, which runs in small steps
    step_workers  *Upload again* by workers of Celery
    step_results  the results of one step, and all counts as sentences
    export        the log as CSV and JSON, streamed
    diagnosis     the refused call of an upload, as WeChat received it
"""
