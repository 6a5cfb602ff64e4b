"""Append-only records: what happened, once, in order, and provably unchanged."""

from engine.records.account import account_named, accounts_of, plain_name, whoami
from engine.records.atomic import existing, make_directory, sync_directory, write_file
from engine.records.events import ChainReport, EventsBusy, append_event, event_hash, verify_chain
from engine.records.harmless import harmless
from engine.records.lines import Record, append_line, read_lines
from engine.records.locked import FileLock, is_locked
from engine.records.sound import records_from_end, sound_records
from engine.records.tail import Tail

__all__ = [
    "ChainReport",
    "EventsBusy",
    "FileLock",
    "Record",
    "Tail",
    "account_named",
    "accounts_of",
    "append_event",
    "append_line",
    "event_hash",
    "existing",
    "harmless",
    "is_locked",
    "make_directory",
    "plain_name",
    "read_lines",
    "records_from_end",
    "sound_records",
    "sync_directory",
    "verify_chain",
    "whoami",
    "write_file",
]
