"""
WeChat's open platform, Tencent COS and the hosted site, emulated on loopback.

Written from the documents, not from the client beside it: a second opinion. Standard library only;
to push tickets, it needs cryptography.

    __main__       the command: `python -m wx_static_store.emulator`
    greeting       what the command prints first: the settings to paste
    directory      the folder that keeps the objects of the command
    server         the emulator as one object
    open_platform  WeChat's API: authorization, and the four calls of static hosting
    control        the control plane `/__emulator__/`: look inside and change things
    credentials    the calls with the platform's own secret
    object_store   Tencent COS: PUT Object on a signed link
    site           the public site of an environment
    tickets        encrypted pushes of verify tickets
    manual         the text of `--help` and of `GET /__emulator__/`
    state          environments, tokens, faults and the journal
    faults         the script: which request meets which fault
    kinds          the table of faults
    effects        what each kind of fault does
    listeners      the sockets and their threads
    bucket         the objects of an environment, in memory or in a folder
    limits         the IP allow-list and the quotas
    wire           one answer on its connection, complete or damaged
    answers        the value of an answer, and the errors of WeChat and COS
    crc64          the checksum of `x-cos-hash-crc64ecma`
    incoming       a request and its body
    quirks         the switches, for what the documents leave open
    signing        request signatures of Tencent COS
    tokens         access tokens and verify tickets
    variants       pushes that differ from a correct one
"""

from .server import EmulatorServer

__all__ = ["EmulatorServer"]
