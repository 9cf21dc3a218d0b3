"""What may go wrong with the store. No error quotes what is stored."""

from __future__ import annotations

from triage.errors import TriageError


class StoreError(TriageError):
    """The database cannot be used."""

    code = "store"


class NotFoundError(StoreError):
    """It does not exist, or not for who asks."""

    code = "not_found"


class DuplicateError(StoreError):
    """What was to be added is there already, or was added by somebody else meanwhile."""

    code = "duplicate"
