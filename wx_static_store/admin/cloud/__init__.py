"""
The page *Files in the cloud*: what is there, joined with the log.

    chosen   what is done with chosen files
    archive  chosen files as one archive, streamed
    page     this page
    table    what it shows
    place    the store, the environment and the folder that it is about
"""
