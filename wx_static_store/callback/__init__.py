"""
An app of its own: the URL to which WeChat pushes tickets and events.

    apps      Connect the newest ticket with the fetching of tokens
    checks    System checks: what keeps WeChat's pushes from being read. They ask no database
    urls      The address of the view
    views     The one address that WeChat calls: pushes by POST
    crypto    The cipher and the signature of WeChat's pushes
    safe_xml  XML of a stranger, read into texts by name, with limits that hold while it is read
    refusals  A push that is refused: the word for the log and the status of the answer
    tickets   The newest verify ticket of a platform: kept in the database, mirrored in the cache
    models    The newest verify ticket of each platform
"""
