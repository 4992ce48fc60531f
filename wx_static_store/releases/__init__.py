"""
Releases that were deployed: compare them, and roll back.

    difference       Compare a release with another, a folder or the cloud
    payload          A tree, or an archive of one, that becomes a release
    previews         Previews: an address of their own for each name, and an end
    runners          Workers that deploy outside of the request: an app registers them
    rollback         Roll back and repair: the ordinary deploy of a kept release
"""
