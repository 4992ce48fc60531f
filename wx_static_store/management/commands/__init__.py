"""
The commands: each is a file of its name.

    wx_deploy        ``wx_deploy``: a built site to the static hosting of environments
    wx_explain       ``wx_explain``: what a code means, and what to do about it
    wx_import_media  ``wx_import_media``: copy the files of another storage into one of ours
    wx_prune         ``wx_prune``: delete old rows of the log
    wx_push          ``wx_push``: send the files and deletions that wait
    wx_reconcile     ``wx_reconcile``: compare the log with what the cloud has
"""
