"""Routes citizens' messages in Chinese to departments of a procuratorate; see `triage.pipeline`."""
