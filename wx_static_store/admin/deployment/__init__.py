"""
The page of a deployment, and the pages of its buttons.

    publish   the page *Publish a site*
    rollback  the page *Roll back to this*
    compare   the page *Compare*
    columns   the columns of a deployment, and the base of these pages
"""
