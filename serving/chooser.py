"""What should decide: from the settings and the registry, without loading any of it."""

from __future__ import annotations

from dataclasses import replace

from serving.launch import FACTORY, Spec
from serving.settings import Settings
from triage.pointer import select


class Chooser:
    """What should decide: the settings' own bundle and rulebook, else what the registry chooses."""

    def __init__(self, settings: Settings, factory: str = FACTORY) -> None:
        self._models = settings.models
        self._bundle, self._rulebook = (str(p or "") for p in (settings.bundle, settings.rulebook))
        self._factory = factory

    def choice(self) -> tuple[Spec, Spec | None]:
        """What decides and, where there is one, the shadow beside it.

        Raises:
            RegistryError, OSError: the registry cannot be read.
        """
        chosen = select(self._models)
        spec = Spec(self._bundle or chosen.bundle, self._rulebook or chosen.rulebook, self._factory)
        if chosen.shadow is None:
            return spec, None
        # A shadow must not take the cores from what decides.
        return spec, replace(spec, bundle=chosen.shadow, nice=15)
