"""
The page of a deployment, and what is done from it.

    rollback    the page *Roll back to this*
    compare     the page *Compare*
    comparison  what this page shows
    base        the base of both pages
    columns     what list and pages show of a deployment
"""
