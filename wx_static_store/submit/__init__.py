"""
One upload that a person or a client asks for.

    policy  Who may upload what, where: the one answer for the admin and the API
    rules   What is refused, in which words, and the permission that lifts it
"""

__all__ = ()
