"""
Actions on rows of the log, and their pages.

    failing       the page *Still failing*
    steps         upload again, compare with the cloud, export: the long ones in small steps
    step_results  one step, here or by workers of Celery, and its results as sentences
    export        the log as CSV and JSON, streamed
    diagnosis     the refused call of an upload, as WeChat received it
"""
