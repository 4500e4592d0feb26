"""Processes that exchange tensors by gloo, without PyTorch's global process group: a program may have its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed
from torch import Tensor

_dist: Any = torch.distributed  # whose type hints lack what is used here

Gather = Callable[[Tensor], list[Tensor]]
"""Gives each process the tensors of all, in the order of their ranks."""


_PART = 1 << 24
"""Bytes that the store holds under one name at most."""


class Meeting:
    """Where processes find each other: a file of one machine, or the address that torchrun puts into the environment.

    Args:
        rank: of this process, from 0.
        count: of the processes.
        path: the file; None for the environment.
        seconds: how long to wait for the others.
    """

    def __init__(self, rank: int, count: int, path: Path | None, seconds: float) -> None:
        self.rank, self.count, self.path = rank, count, path
        self.patience = timedelta(seconds=seconds)
        if path is not None:
            self.store = _dist.FileStore(str(path), count)
        else:
            store, _, _ = next(_dist.rendezvous("env://", rank, count, timeout=self.patience))
            # which is the same after a restart of all processes, and still holds what they wrote before
            self.store = _dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)

    def told(self, message: str) -> dict[int, str]:
        """The message of each process that arrives in time, by rank; this one's is ``message``."""
        self.store.set(f"message/{self.rank}", message)
        found = {}
        for rank in range(self.count):
            try:
                self.store.wait([f"message/{rank}"], self.patience)
            except RuntimeError:  # a time-out
                continue
            found[rank] = self.store.get(f"message/{rank}").decode()
        return found

    def hand_out(self, content: bytes) -> None:
        """Gives the others a copy of something."""
        parts = [content[low : low + _PART] for low in range(0, len(content), _PART)]
        for number, part in enumerate(parts):
            self.store.set(f"copy/{number}", part)
        self.store.set("copies", str(len(parts)))

    def received(self, seconds: float) -> bytes:
        """What the first process hands out.

        Args:
            seconds: how long to wait for it.
        Raises:
            RuntimeError: if it does not come.
        """
        self.store.wait(["copies"], timedelta(seconds=seconds))
        return b"".join(self.store.get(f"copy/{number}") for number in range(int(self.store.get("copies"))))

    def gather(self, seconds: float) -> Gather:
        """The exchange of tensors on the CPU, of one shape and type in all processes.

        On one machine it listens on the loopback interface only.

        Args:
            seconds: how long an exchange waits for the others.
        Raises:
            RuntimeError: from the exchange, if another process has ended.
        """
        options = _dist.ProcessGroupGloo._Options()
        options._timeout = timedelta(seconds=seconds)
        make = _dist.ProcessGroupGloo.create_device
        options._devices = [make(hostname="127.0.0.1") if self.path else _dist.ProcessGroupGloo.create_default_device()]
        group = _dist.ProcessGroupGloo(self.store, self.rank, self.count, options)

        def gather(own: Tensor) -> list[Tensor]:
            found = [torch.empty_like(own) for _ in range(self.count)]
            group.allgather([found], [own]).wait()
            return found

        return gather
