"""
The REST API of rollouts: its addresses stand among those of ``wx_static_store.api.urls``.

    urls         the addresses
    views        the views of rollouts
    serializers  the members of the answers, the bodies and parameters of requests
"""
