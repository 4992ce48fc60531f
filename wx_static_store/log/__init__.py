"""
Work on the log: retry, compare, reconcile, prune, import.

    advice        Say what an editor can do about an upload that failed
    compare       Compare rows of the log with what the cloud has under their keys now
    failing       What still fails, grouped by its cause; and what somebody dismissed
    by_workers    Uploads that a worker sends again, and what it refused
    retry         Earlier uploads, sent again: which of them, and how each fared
    diagnosis     What did WeChat receive? Ask about the refused call of a row, at most once
    hints         Explain an upload of the log that failed, and what to do about it
    import_lines  Make rows of the lines that `upload.JsonLinesFormatter` wrote without a database
    prune         Delete old rows, releases and their bytes in small transactions
    retention     Which deployments and releases stay, however old
    reconcile     Compare cloud and log; add rows that correct the log
    source_of     The bytes of one earlier upload: can they be had again?
    owner         Which alias owns a row: the one answer for the admin, the API and a retry
"""

__all__ = ()
