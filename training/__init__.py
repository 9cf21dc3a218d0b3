"""From labelled messages to a bundle. The only package that needs torch."""
