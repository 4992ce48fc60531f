"""
What is done with rows of the log.

    failing       the page *Still failing*
    actions       upload again, compare with the cloud, export
    steps         the page of a long action, which does it in small steps
    step_workers  *Upload again* by workers of Celery: handed over, looked for, refused
    step_results  what one step did, and all counts in sentences
    export        the log as CSV and JSON, streamed
    diagnosis     what WeChat received with the call of a refused upload
"""
