"""Errors that a caller can act on. Every one says what to do, none carries a message's body."""


class TriageError(Exception):
    """Base of all errors raised on purpose; `code` is stable and machine-readable."""

    code = "triage_error"


class InvalidMessageError(TriageError):
    """The message cannot be classified as it stands (empty, too long, not Unicode text)."""

    code = "invalid_message"

    def __init__(self, detail: str, *, field: str = "text") -> None:
        super().__init__(detail)
        self.field = field


class BundleError(TriageError):
    """The model bundle is missing, incomplete, altered or of an unknown format."""

    code = "invalid_bundle"


class RulebookError(TriageError):
    """The rulebook does not follow its format, or one of its patterns does not compile."""

    code = "invalid_rulebook"


class RegistryError(TriageError):
    """The registry of bundles and rulebooks has no such entry, or its pointer is damaged."""

    code = "invalid_registry"


class InputFileError(TriageError):
    """A file given to a command cannot be read as the format its name promises."""

    code = "invalid_input_file"
