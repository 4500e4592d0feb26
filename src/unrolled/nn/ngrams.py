"""N-grams: how often each run of a few tokens occurs in a text, past the recurrence.

A linear model of weighted counts is hard to beat on texts (Wang and Manning 2012, "Baselines and Bigrams"). A run of 1
to n tokens is hashed into a table of fixed size (Weinberger et al. 2009, "Feature hashing", arXiv 0902.2206), so a text
may hold runs that no training text held.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.nn.part import Obstacle, Part
from unrolled.nn.unroll import valid_steps

COLUMNS, MOST_WEIGHTS = 2**16, 2**21
"""Places of the table, fewer where the weights of all classes together would be more than this."""

LETTERS, WORDS = 4, 2
"""The longest run that is counted, of characters and of words."""


class NGrams(Part):
    """1 + log of the count of each run of tokens, times its rarity, each text scaled to length 1; and its weights.

    Letters count without their case; the ends of a text are tokens of their own. Neither rarities nor weights are
    trained by gradients. While the weights are all zero nothing is computed.

    Args:
        symbols: number of codes.
        classes: C.
        longest: tokens of the longest run, n.
    """

    folded: Tensor
    rarity: Tensor
    weights: Tensor

    def __init__(self, symbols: int, classes: int, longest: int) -> None:
        super().__init__()
        self.longest = longest
        self.columns = min(COLUMNS, 1 << (MOST_WEIGHTS // classes).bit_length() - 1)
        self.register_buffer("folded", torch.arange(symbols))
        self.register_buffer("rarity", torch.ones(self.columns))
        self.register_buffer("weights", torch.zeros(classes, self.columns))

    def fold(self, symbols: Sequence[str]) -> None:
        """Gives letters that differ in their case one code."""
        first: dict[str, int] = {}
        codes = [first.setdefault(symbol.lower(), code) for code, symbol in enumerate(symbols)]
        self.folded.copy_(torch.tensor(codes, device=self.folded.device))

    def counts(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The places that are not zero: text and column, [P], in order, and 1 + log of the count, [P].

        Args:
            inputs: codes, [B, T, 1].
            lengths: [B].
        """
        codes = self.folded[inputs[:, :, 0].long()] + 2
        codes = F.pad(codes.where(valid_steps(lengths, codes.shape[1]), 1), (1, 1), value=1)  # 1 stands for an end
        texts = torch.arange(len(codes), device=codes.device)[:, None]
        keys, runs = [], torch.zeros_like(codes)
        for longest in range(1, self.longest + 1):
            width = codes.shape[1] - longest + 1
            if width < 1:
                break
            runs = (runs[:, :width] * 1_000_003 + codes[:, longest - 1 :]) % 2_147_483_647
            inside = valid_steps((lengths + 3 - longest).clamp(min=0), width)
            keys.append((texts * self.columns + (runs * 31 + longest) % self.columns)[inside])
        found, count = torch.unique(torch.cat(keys), return_counts=True)
        return found // self.columns, found % self.columns, 1 + count.to(self.rarity.dtype).log()

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As `counts`, weighted by the rarities and scaled."""
        texts, columns, values = self.counts(inputs, lengths)
        values = values * self.rarity[columns]
        squares = torch.zeros(len(inputs), device=values.device).index_add_(0, texts, values.square())
        return texts, columns, values / squares.sqrt()[texts]

    def logits(self, inputs: Tensor, lengths: Tensor) -> Tensor | None:
        """What the counts add to the logits, [B, C]; None while the weights are zero."""
        if not self.weights.any():
            return None
        texts, columns, values = self(inputs, lengths)
        scores = self.weights.T[columns] * values[:, None]
        return torch.zeros(len(inputs), scores.shape[1], device=scores.device).index_add_(0, texts, scores)

    @property
    def obstacle(self) -> Obstacle:
        """See `Part.obstacle`."""
        return Obstacle("counts runs of tokens over a whole text", "with --skip-ngrams 0")

    @property
    def words(self) -> str:
        """See `Part.words`."""
        return f"counts of runs of 1 to {self.longest} tokens beside it"
