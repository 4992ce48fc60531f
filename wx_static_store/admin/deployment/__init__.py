"""
The page of a deployment, and what is done from it.

    publish     the page *Publish a site*
    rollback    the page *Roll back to this*
    compare     the page *Compare*
    comparison  what this page shows
    base        the base of these pages
    columns     what list and pages show of a deployment
"""
