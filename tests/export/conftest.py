"""What the tests of exports share: small models in which no weight is at a special value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from unrolled.config import ModelConfig
from unrolled.model.model import Model, ModelFacts
from unrolled.network.network import Network
from unrolled.preparation.preparing import Preparation

MakeModel = Callable[..., Model]


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """``make_model(F, **config)``: a model of three classes."""

    def make(channels: int = 2, seed: int = 1, facts: dict[str, Any] | None = None, **options: Any) -> Model:
        config = ModelConfig.model_validate({"hidden_size": 5, **options})
        vocabulary = (facts or {}).get("vocabulary")
        network = Network(config, channels, 3, seed=seed, symbols=None if vocabulary is None else len(vocabulary) + 1)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for weight in network.parameters():
                weight += torch.rand(weight.shape, generator=generator) - 0.5
        if isinstance(network.preparation, Preparation):
            mean, deviation = torch.full((channels,), 0.3), torch.full((channels,), 1.7)
            network.preparation.set_statistics(mean, deviation, torch.full((channels,), 0.1))
        names = tuple(f"channel {number}" for number in range(channels))
        return Model(
            network.eval(), ModelFacts(classes=("no", "yes", "não"), channels=names, model=config, **(facts or {}))
        )

    return make
