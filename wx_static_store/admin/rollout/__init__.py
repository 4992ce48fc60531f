"""
The page of a rollout.

    page      this page, and what its buttons do
    progress  what it shows
    columns   what list and page show of a rollout
"""
