"""Messages from records and files, decisions to files: streamed, bad rows never stop the rest."""

from triage.io.encoders import Encode, encoder_for, json_lines
from triage.io.formats import Format, format_of, known_format, open_input
from triage.io.messages import Fault, InvalidRecordError, faults_of, message_from
from triage.io.output import Output, write_output
from triage.io.rows import Cell, InputRow, Outcome, Reader, RowError
from triage.io.stream import Chunk, Decided, chunks, classify_rows, decide
from triage.io.unfinished import Done, Options, Source, UnfinishedOutputError

__all__ = [
    "Cell",
    "Chunk",
    "Decided",
    "Done",
    "Encode",
    "Fault",
    "Format",
    "InputRow",
    "InvalidRecordError",
    "Options",
    "Outcome",
    "Output",
    "Reader",
    "RowError",
    "Source",
    "UnfinishedOutputError",
    "chunks",
    "classify_rows",
    "decide",
    "encoder_for",
    "faults_of",
    "format_of",
    "json_lines",
    "known_format",
    "message_from",
    "open_input",
    "write_output",
]
