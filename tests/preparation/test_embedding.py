"""The embedding is PyTorch's; an unknown token says nothing, before and after training."""

from __future__ import annotations

import pytest
import torch

from unrolled.config import ModelConfig
from unrolled.network.network import Network
from unrolled.preparation.embedding import Embedding, embedding_size

CODES = torch.tensor([[[1], [3], [0], [2]], [[2], [2], [0], [0]]], dtype=torch.int32)  # [B, T, 1]
LENGTHS = torch.tensor([4, 2])


def network(**options: object) -> Network:
    config = ModelConfig.model_validate({"hidden_size": 5, "embedding_size": 3, **options})
    return Network(config, 1, 2, seed=1, symbols=4).double()


def test_vectors_are_looked_up_as_pytorchs_embedding_does() -> None:
    embedding = Embedding(4, 3)
    embedding.initialize(torch.Generator().manual_seed(0))
    theirs = torch.nn.Embedding.from_pretrained(embedding.V.detach())
    assert embedding(CODES, LENGTHS).equal(theirs(CODES[:, :, 0]))
    assert embedding.advance(CODES, ())[0].equal(theirs(CODES[:, :, 0]))


@pytest.mark.parametrize("bidirectional", [False, True])
@torch.no_grad()
def test_texts_depend_on_nothing_but_their_own_tokens(bidirectional) -> None:
    made = network(bidirectional=bidirectional, pooling="mean").eval()
    together = made(CODES, LENGTHS)
    garbage = CODES.clone()
    garbage[1, 2:] = 3
    torch.testing.assert_close(made(garbage, LENGTHS), together)
    torch.testing.assert_close(made(CODES[1:, :2], LENGTHS[1:]), together[1:])
    for row, beliefs in enumerate(made.prefix_logits(CODES, LENGTHS)):
        for end in range(1, int(LENGTHS[row]) + 1):
            torch.testing.assert_close(beliefs[end - 1], made(CODES[row : row + 1, :end], torch.tensor([end]))[0])


def test_an_unknown_token_is_zero_and_stays_so() -> None:
    made = network().train()
    assert isinstance(made.preparation, Embedding)
    assert not made.preparation.V[0].any()
    optimizer = torch.optim.AdamW(made.parameters(), 0.1, weight_decay=0.1)
    known = CODES.clamp(min=1)
    for _ in range(3):
        optimizer.zero_grad()
        made(known, LENGTHS).square().sum().backward()
        optimizer.step()
    assert not made.preparation.V[0].any()
    assert made.preparation.V[1:].any()


def test_the_size_follows_the_number_of_tokens() -> None:
    sizes = [embedding_size(count) for count in (2, 10, 100, 10_000, 10**6)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (4, 600)
    assert network().layers[0].cells[0].input_size == 3
