"""The HTTP service: one message or a batch in, decisions out."""
