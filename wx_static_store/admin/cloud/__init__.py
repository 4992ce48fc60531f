"""
The page *Files in the cloud*: the files there, joined with the log.

    page     this page, and its buttons
    table    its table of folders and files
    place    its store, environment and folder
    folders  the objects in one folder, by at most two calls, kept for a minute
"""
