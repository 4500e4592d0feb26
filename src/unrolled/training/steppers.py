"""Who does the updates of a training: the host, CUDA graphs, or several shards."""

from __future__ import annotations

from unrolled.training.cuda_graphs import CudaGraphCapture
from unrolled.training.plan import Plan
from unrolled.training.sharded import ShardedStepper
from unrolled.training.stepping import CudaGraphStepper, HostStepper, StepRandomness
from unrolled.training.update import Update
from unrolled.training.workers import Requests, Workers

Stepper = HostStepper | ShardedStepper


def make_stepper(update: Update, plan: Plan, requests: Requests, workers: Workers) -> Stepper:
    """Does the updates where the batcher makes its batches."""
    batcher, config = update.batcher, update.config
    randomness = StepRandomness(update, batcher.device)
    if config.shards > 1:
        return ShardedStepper(update, randomness, config.shards, workers, requests)
    if batcher.device.type == "cpu" or batcher.storage != batcher.device:
        return HostStepper(update, randomness, requests)
    generators = [] if randomness.changes is None else [randomness.changes]
    capture = CudaGraphCapture(generators) if config.cuda_graphs else None
    order = plan.order
    return CudaGraphStepper(update, randomness, requests, order.updates_per_epoch, order.batch_size, capture)
