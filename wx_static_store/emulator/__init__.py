"""
WeChat's open platform, Tencent COS and the hosted site, emulated on loopback.

Written from the documents, not from the client beside it: a second opinion. Standard library only;
to push tickets, it needs cryptography.

    __main__       the command: `python -m wx_static_store.emulator`
    greeting       what the command prints first: the settings to paste
    directory      the folder that keeps the objects of the command
    server         the emulator as one object
    exchanges      one exchange: a request, the fault that it meets, and the answer
    open_platform  WeChat's API: who may call, and which call answers
    control        the control plane `/__emulator__/`: look inside and change things
    credentials    the calls with the platform's own secret
    accounts       the list of the accounts that authorized the platform
    diagnosis      quotas, and what WeChat remembers of refused calls
    environments   the platform's environments, and with whom they are shared
    static_hosting the four calls of static hosting
    object_store   Tencent COS: PUT Object on a signed link
    site           the public site of an environment
    edge           what stands before it: its marks, and what it compresses
    notice         the notice that browsers see before it
    tickets        encrypted pushes of verify tickets and of news of accounts
    manual         the text of `--help` and of `GET /__emulator__/`
    messages       what a push says
    refusals       an errcode in place of an answer, and the checks of parameters
    state          environments, accounts, tokens, faults and the journal
    faults         the script: which request meets which fault
    kinds          the table of faults
    effects        what each kind of fault does
    listeners      the sockets and their threads
    bucket         the objects of an environment, in memory or in a folder
    paths          the calls of WeChat's API: their paths and names
    limits         the IP allow-list and the quotas
    wire           one answer on its connection, complete or damaged
    answers        the value of an answer, and the errors of WeChat and COS
    crc64          the checksum of `x-cos-hash-crc64ecma`
    incoming       a request and its body
    quirks         the switches, for what the documents leave open
    signing        request signatures of Tencent COS
    tokens         access tokens and verify tickets
    variants       pushes that differ from a correct one
    language       what people read, in the language of the terminal
"""

from .server import EmulatorServer

__all__ = ["EmulatorServer"]
