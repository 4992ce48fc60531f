"""
The page *Files in the cloud*: the files there, joined with the log.

    chosen   actions on chosen files
    archive  chosen files as one archive, streamed
    page     this page
    table    its table of folders and files
    place    its store, environment and folder
    folders  the objects in one folder, by at most two calls, kept for a minute
"""
