"""
What the log is good for: retry, compare, reconcile, prune, import.

    compare       Rows of the log against the cloud: what does it hold under their keys now?
    retry         Earlier uploads, sent again: which of them, and how each fared
    hints         What can be done about an upload of the log that did not end well
    import_lines  Lines that `recorders.JsonLinesFormatter` wrote where there was no database, made
    prune         Old rows go, in small transactions; what says how a file or a deployment stands no
    reconcile     Cloud against log: what one knows and the other does not, and rows that put the lo
    source_of     The bytes of one earlier upload: can they be had again?
    owner         Which alias owns a row: the one answer for the admin, the API and a retry
"""

__all__ = ()
