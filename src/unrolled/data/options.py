"""Options that apply only to some formats or to some named data."""

from __future__ import annotations

from unrolled.config import DataConfig
from unrolled.errors import ConfigError, option


def refuse_options(config: DataConfig, names: tuple[str, ...], applicable: tuple[str, ...], owner: str) -> None:
    """Refuses options that do not apply.

    Args:
        config: the options; None is an option that is not given.
        names: the options to check.
        applicable: those of them that apply.
        owner: the format or data to which these apply, for the message.
    Raises:
        ConfigError: naming the first option that does not apply.
    """
    for name in names:
        if name not in applicable and getattr(config, name) is not None:
            known = f", whose options are {', '.join(map(option, applicable))}" if applicable else ""
            raise ConfigError(f"the option {option(name)} does not apply to {owner}{known}; leave it out.")
