"""What is kept: messages, decisions, corrections, accounts, the audit chain. Knows no web."""
