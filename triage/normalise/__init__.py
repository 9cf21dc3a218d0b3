"""Text normalisation that remembers where every character came from."""

from triage.normalise.damage import is_damaged
from triage.normalise.text import NORMALISER_VERSION, Normalised, normalise

__all__ = ["NORMALISER_VERSION", "Normalised", "is_damaged", "normalise"]
