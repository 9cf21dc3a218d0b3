"""Measures what a bundle is worth on labelled messages: metrics, baseline, benchmarks, report."""
