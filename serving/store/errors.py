"""What may go wrong with the store. No error quotes what is stored."""

from __future__ import annotations

from triage.errors import TriageError


class StoreError(TriageError):
    """The database cannot be used."""

    code = "store"
