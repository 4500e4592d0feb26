"""Recurrent sequence classifiers: train, measure honestly, ship.

The public names; every other name of the package is private.

Train
    train                trains a recipe and evaluates it; its files stand in a run folder
    resume               goes on with a run that was stopped, or for longer than it was meant to
    finish               ends a run early: a model of the best weights so far
    verify               trains a run again and compares the weights bit by bit
    Verification         the outcome of that
    Run                  a finished run: model, evaluation, history
    RunFolder            its files
    list_runs            the runs of a folder, and how far each is
    RunState             how far one is
    report               writes the page ``report.html`` of a run

Recipes
    Recipe               all settings of a run, in these sections:
    DataConfig           which sequences, and which of them are held out
    ModelConfig          the network
    TrainConfig          how its weights are learned
    AugmentConfig        random changes of training sequences
    Range                numbers that a search may choose from
    Dimension            a range or a list of values (a type)
    named_recipes        the recipes that come with the package
    recipe_for           the recipe that a name, a recipe file or a file of sequences means

Data
    Sequences            labelled sequences of any lengths, without padding
    SequencesLike        what a model predicts: sequences, an array, a list, texts (a type)
    TextsLike            one text, or several (a type)
    Frame                a data frame of pandas, Polars or another library (a type)
    Dataset              training, validation and test sequences
    read                 sequences from a file
    load_dataset         the data set that a recipe's data section means
    cut                  windows of long recordings
    WindowRule           how they are cut
    Cut                  where each stands in its recording
    inspect              what a file of sequences holds, and what is odd about it
    Inspection           what `inspect` finds
    Place                where a value stands in sequences
    PreviewSequence      the beginning of one sequence
    Observer             is told what a reader finds and how far it is

Models
    load                 the model of a run folder or a model folder
    Model                a trained network: labels, probabilities, streams
    ModelFacts           what is known of a model beside its weights
    BaselineFacts        what is known of its baselines
    RegressionFacts      what is known of one of them
    Example              a sequence that travels with a model
    learn_novelty        a model that tells what is unlike its training data
    Novelty              the distances by which it does
    Probabilities        an array of them (a type)
    Stream               a sequence that is read as it comes
    StreamState          what a stream carries from step to step (a type)
    Decision             a class, and after how many steps it was decided
    SequenceClassifier   the same wherever scikit-learn takes a classifier

Figures
    evaluate             figures of a model on labelled sequences
    calibrate            a model whose probabilities are fitted to validation sequences
    predictions_of       a model's answers on them, which several evaluations can share
    Predictions          those answers
    Evaluation           all figures, each with its interval; its parts:
    Proportion           a share of sequences with Wilson's interval
    Figure               any other figure with its interval
    Difference           the difference of two accuracies: interval and test
    ClassRow             the figures of one class
    Quality              the figures of the probabilities
    ReliabilityBin       accuracy beside confidence
    ShareSeen            the accuracy after a share of the steps
    EarlyDecision        the decisions of a stream at one confidence
    WindowFigures        the figures of long recordings: each step, and
    ChangeFigures        how late changes of the label are found
    LengthGroup          the accuracy of sequences of about one length
    CrossValidation      how the sequences of a cross-validation were held out
    RegressionFigures    a logistic regression beside the network

Comparisons and searches
    compare              compares finished runs on the same test sequences
    compare_settings     trains every combination of some settings, and compares them
    write_comparison     writes a comparison as JSON, as a table and as a picture
    Comparison           rows, pairs and a verdict
    ComparisonRow        the figures of one classifier
    ComparisonPair       two classifiers, and whether one is better
    GridResult           what `compare_settings` gives
    ReferenceClassifier  a classifier of another kind to compare with
    Rival                its name in version 0.1.0
    FeatureMaker         from sequences to what such a classifier takes (a type)
    tune                 searches for the settings that do best on validation data
    Tuning               what a search has found
    Trial                one setting that was tried
    Watcher              is told how several trainings go on

Recorders
    Recorder             is told of a training; subclass it. Its events get:
    TrainState           the moving parts of a training
    Plan                 how long the training is
    Batch                padded sequences of one update
    StepLog              figures of some updates
    EpochLog             figures of one epoch
    Ending               why a training ended

Shipping
    export_onnx          writes a model as one ONNX file
    Exported             that file
    export_c             writes a model as C99 without a library
    ExportedC            its two files
    compare_forms        every form of a model beside every other on labelled sequences
    Form                 the figures of one
    ExportCheck          how near its answers are to the model's
    Quantized            what weights of 8 bits cost
    export_html          writes the server's page as one file that works offline
    ExportedPage         that file
    serve                answers over HTTP until it is stopped
    ServerSettings       limits and batching of a server

Errors
    UnrolledError        every error of this package; the tree:
                         ConfigError, UnknownNameError, DataError, ReadError, FetchError, LengthError,
                         MismatchError, ModelFolderError, ExportError, UnsupportedError, StudyError,
                         OutOfMemoryError, StorageError, ServeError, RunError, RunLockedError, CheckpointError,
                         DivergedError, InterruptedRunError, WorkerLostError
    UnrolledWarning      every warning of this package:
    TrainedOnWarning     figures of sequences that the model was trained on
    UnitWarning          values that are probably in another unit than those of the training
    UnfinishedWarning    a model of a training that is not finished
    LayoutWarning        sequences of one step, whose axes are probably in another order
    RenamedWarning       a former name of an option or a field

In the examples of the docstrings ``np`` is NumPy, ``arrays`` are 60 sequences of 5 to 19 steps and 2 channels,
``labels`` their classes, "low" and "high", and ``dataset`` is made of them. ``run`` was trained on it and has its files
in ``runs/levels/1``; ``model`` is its model.

Importing this package is cheap: torch and the rest are imported when a name that needs them is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unrolled.comparison import Comparison as Comparison
    from unrolled.comparison import ComparisonPair as ComparisonPair
    from unrolled.comparison import ComparisonRow as ComparisonRow
    from unrolled.comparison import FeatureMaker as FeatureMaker
    from unrolled.comparison import GridResult as GridResult
    from unrolled.comparison import ReferenceClassifier as ReferenceClassifier
    from unrolled.comparison import Rival as Rival
    from unrolled.comparison import compare as compare
    from unrolled.comparison import compare_settings as compare_settings
    from unrolled.comparison import write_comparison as write_comparison
    from unrolled.config import AugmentConfig as AugmentConfig
    from unrolled.config import DataConfig as DataConfig
    from unrolled.config import Dimension as Dimension
    from unrolled.config import ModelConfig as ModelConfig
    from unrolled.config import Range as Range
    from unrolled.config import Recipe as Recipe
    from unrolled.config import TrainConfig as TrainConfig
    from unrolled.config import named_recipes as named_recipes
    from unrolled.data import Cut as Cut
    from unrolled.data import Dataset as Dataset
    from unrolled.data import Frame as Frame
    from unrolled.data import Inspection as Inspection
    from unrolled.data import Place as Place
    from unrolled.data import PreviewSequence as PreviewSequence
    from unrolled.data import Sequences as Sequences
    from unrolled.data import SequencesLike as SequencesLike
    from unrolled.data import TextsLike as TextsLike
    from unrolled.data import WindowRule as WindowRule
    from unrolled.data import cut as cut
    from unrolled.data import inspect as inspect
    from unrolled.data import load_dataset as load_dataset
    from unrolled.data.batches import Batch as Batch
    from unrolled.data.files import Observer as Observer
    from unrolled.data.formats import read as read
    from unrolled.errors import CheckpointError as CheckpointError
    from unrolled.errors import ConfigError as ConfigError
    from unrolled.errors import DataError as DataError
    from unrolled.errors import DivergedError as DivergedError
    from unrolled.errors import ExportError as ExportError
    from unrolled.errors import FetchError as FetchError
    from unrolled.errors import InterruptedRunError as InterruptedRunError
    from unrolled.errors import LayoutWarning as LayoutWarning
    from unrolled.errors import LengthError as LengthError
    from unrolled.errors import MismatchError as MismatchError
    from unrolled.errors import ModelFolderError as ModelFolderError
    from unrolled.errors import OutOfMemoryError as OutOfMemoryError
    from unrolled.errors import ReadError as ReadError
    from unrolled.errors import RenamedWarning as RenamedWarning
    from unrolled.errors import RunError as RunError
    from unrolled.errors import RunLockedError as RunLockedError
    from unrolled.errors import ServeError as ServeError
    from unrolled.errors import StorageError as StorageError
    from unrolled.errors import StudyError as StudyError
    from unrolled.errors import TrainedOnWarning as TrainedOnWarning
    from unrolled.errors import UnfinishedWarning as UnfinishedWarning
    from unrolled.errors import UnitWarning as UnitWarning
    from unrolled.errors import UnknownNameError as UnknownNameError
    from unrolled.errors import UnrolledError as UnrolledError
    from unrolled.errors import UnrolledWarning as UnrolledWarning
    from unrolled.errors import UnsupportedError as UnsupportedError
    from unrolled.errors import WorkerLostError as WorkerLostError
    from unrolled.estimator import SequenceClassifier as SequenceClassifier
    from unrolled.evaluation import ChangeFigures as ChangeFigures
    from unrolled.evaluation import ClassRow as ClassRow
    from unrolled.evaluation import CrossValidation as CrossValidation
    from unrolled.evaluation import EarlyDecision as EarlyDecision
    from unrolled.evaluation import Evaluation as Evaluation
    from unrolled.evaluation import LengthGroup as LengthGroup
    from unrolled.evaluation import Predictions as Predictions
    from unrolled.evaluation import Quality as Quality
    from unrolled.evaluation import RegressionFigures as RegressionFigures
    from unrolled.evaluation import ShareSeen as ShareSeen
    from unrolled.evaluation import WindowFigures as WindowFigures
    from unrolled.evaluation import calibrate as calibrate
    from unrolled.evaluation import evaluate as evaluate
    from unrolled.evaluation import predictions_of as predictions_of
    from unrolled.export import ExportCheck as ExportCheck
    from unrolled.export import Exported as Exported
    from unrolled.export import ExportedC as ExportedC
    from unrolled.export import Form as Form
    from unrolled.export import Quantized as Quantized
    from unrolled.export import compare_forms as compare_forms
    from unrolled.export import export_c as export_c
    from unrolled.export import export_onnx as export_onnx
    from unrolled.jobs import Watcher as Watcher
    from unrolled.model import BaselineFacts as BaselineFacts
    from unrolled.model import Decision as Decision
    from unrolled.model import Example as Example
    from unrolled.model import Model as Model
    from unrolled.model import ModelFacts as ModelFacts
    from unrolled.model import Novelty as Novelty
    from unrolled.model import Probabilities as Probabilities
    from unrolled.model import RegressionFacts as RegressionFacts
    from unrolled.model import Stream as Stream
    from unrolled.model import StreamState as StreamState
    from unrolled.model import learn_novelty as learn_novelty
    from unrolled.model import load as load
    from unrolled.runs import Run as Run
    from unrolled.runs import RunFolder as RunFolder
    from unrolled.runs import RunState as RunState
    from unrolled.runs import Verification as Verification
    from unrolled.runs import finish as finish
    from unrolled.runs import list_runs as list_runs
    from unrolled.runs import recipe_for as recipe_for
    from unrolled.runs import report as report
    from unrolled.runs import resume as resume
    from unrolled.runs import train as train
    from unrolled.runs import verify as verify
    from unrolled.serving import ExportedPage as ExportedPage
    from unrolled.serving import ServerSettings as ServerSettings
    from unrolled.serving import export_html as export_html
    from unrolled.serving import serve as serve
    from unrolled.statistics import Difference as Difference
    from unrolled.statistics import Figure as Figure
    from unrolled.statistics import Proportion as Proportion
    from unrolled.statistics import ReliabilityBin as ReliabilityBin
    from unrolled.training import Ending as Ending
    from unrolled.training import EpochLog as EpochLog
    from unrolled.training import Plan as Plan
    from unrolled.training import StepLog as StepLog
    from unrolled.training import TrainState as TrainState
    from unrolled.training.recorders import Recorder as Recorder
    from unrolled.tuning import Trial as Trial
    from unrolled.tuning import Tuning as Tuning
    from unrolled.tuning import tune as tune

    __version__: str

_ROOMS = {
    "unrolled.comparison": "Comparison ComparisonPair ComparisonRow FeatureMaker GridResult ReferenceClassifier "
    "Rival compare compare_settings write_comparison",
    "unrolled.config": "AugmentConfig DataConfig Dimension ModelConfig Range Recipe TrainConfig named_recipes",
    "unrolled.data": "Cut Dataset Frame Inspection Place PreviewSequence Sequences SequencesLike TextsLike WindowRule "
    "cut inspect load_dataset",
    "unrolled.data.batches": "Batch",
    "unrolled.data.files": "Observer",
    "unrolled.data.formats": "read",
    "unrolled.errors": "CheckpointError ConfigError DataError DivergedError ExportError FetchError "
    "InterruptedRunError LayoutWarning LengthError MismatchError ModelFolderError OutOfMemoryError ReadError "
    "RenamedWarning RunError RunLockedError ServeError StorageError StudyError TrainedOnWarning "
    "UnfinishedWarning UnitWarning UnknownNameError UnrolledError UnrolledWarning UnsupportedError "
    "WorkerLostError",
    "unrolled.estimator": "SequenceClassifier",
    "unrolled.evaluation": "ChangeFigures ClassRow CrossValidation EarlyDecision Evaluation LengthGroup Predictions "
    "Quality RegressionFigures ShareSeen WindowFigures calibrate evaluate predictions_of",
    "unrolled.export": "ExportCheck Exported ExportedC Form Quantized compare_forms export_c export_onnx",
    "unrolled.jobs": "Watcher",
    "unrolled.model": "BaselineFacts Decision Example Model ModelFacts Novelty Probabilities RegressionFacts "
    "Stream StreamState learn_novelty load",
    "unrolled.runs": "Run RunFolder RunState Verification finish list_runs recipe_for report resume train verify",
    "unrolled.serving": "ExportedPage ServerSettings export_html serve",
    "unrolled.statistics": "Difference Figure Proportion ReliabilityBin",
    "unrolled.training": "Ending EpochLog Plan StepLog TrainState",
    "unrolled.training.recorders": "Recorder",
    "unrolled.tuning": "Trial Tuning tune",
}
"""The names that each room shows, and so the public names of the package."""

_HOMES = {name: room for room, names in _ROOMS.items() for name in names.split()}

__all__ = sorted([*_HOMES, "__version__"])  # made from the table, which a test compares with the imports


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("unrolled.version").VERSION
    if name not in _HOMES:
        raise AttributeError(f"module 'unrolled' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
