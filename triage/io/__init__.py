"""Messages from records and files, decisions to files: streamed, bad rows never stop the rest."""

from triage.io.formats import Format, format_of, open_input, open_output
from triage.io.messages import Fault, InvalidRecordError, faults_of, message_from
from triage.io.rows import InputRow, Outcome, Reader, RowError, Writer
from triage.io.stream import classify_rows

__all__ = [
    "Fault",
    "Format",
    "InputRow",
    "InvalidRecordError",
    "Outcome",
    "Reader",
    "RowError",
    "Writer",
    "classify_rows",
    "faults_of",
    "format_of",
    "message_from",
    "open_input",
    "open_output",
]
