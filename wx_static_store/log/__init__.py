"""
Work on the log: retry, compare, reconcile, prune.

    compare       Compare rows of the log with what the cloud has under their keys now
    failing       Group the uploads that still fail by cause; dismiss some
    retry         Send earlier uploads again
    diagnosis     Ask WeChat about the refused call of a row, at most once
    prune         Delete old rows, releases and their bytes in small transactions
    retention     Which deployments and releases stay, however old
    reconcile     Compare cloud and log; add rows that correct the log
    source_of     Find the bytes of an earlier upload
    owner         Find the alias that owns a row
"""
