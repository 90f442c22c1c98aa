"""The training loop: every step can be the last of a process and the next one continues with the same numbers."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from apps.errors import Interrupted, UsageError, UserError
from apps.runs import atomic
from apps.runs.averaging import WeightAverage
from apps.runs.events import EventWriter
from apps.runs.folder import RunFolder
from apps.runs.interruption import Stopped, StopRequest, stop_requests
from apps.runs.layer_rates import LayerRates
from apps.runs.optimization import TimedSchedule, build_optimizer
from apps.runs.progress import NoReport, ProgressReport
from apps.runs.state import Progress, all_finite, gather, restore, restore_weights, variable_groups
from apps.runs.steps import Steps
from apps.runs.training_config import TrainingConfig
from apps.settings import unknown


def prepare(config: TrainingConfig) -> None:
    """Set what holds for the whole process: random seed, deterministic operations, precision.

    To be called before the data are opened and the model is built.
    """
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    keras.mixed_precision.set_dtype_policy(config.precision)


class Trainer:
    """Trains a model in a run folder.

    Args:
        model: A built Keras model.
        loss: `loss(targets, outputs)`, the mean over a batch; with weighted batches `loss(targets, outputs, weights)`.
        make_metrics: Makes the Keras metrics to be reported beside the loss; called once for training and once for
            validation.
        train: `train(epoch)`, the dataset of `(inputs, targets)`, or `(inputs, targets, weights)`, of an epoch, counted
            from 0. The same epoch must give the same batches in each process.
        validation: The dataset of such batches to compare epochs by, or None.
        config: The options.
        folder: Where the run keeps its files; it has been locked.
        report: Told about the progress.
        warn: Called with lines that people should read.
        note: Called with lines that people may like to read.
        resume_command: What to type to go on after an interruption.
        training_loss: What takes the place of the loss while training.
        objective: What training minimises, where it is more than the loss of the model's outputs:
            `objective(model, inputs, targets) -> (loss, outputs)`, with the weights as a fourth of weighted batches.
        layer_groups: The trainable weights from the top of the model to its bottom, for rates that differ by layer.
        more_figures: Measures the model after each epoch, beside the loss and the metrics: figures by name.

    Raises:
        UsageError: when there is no figure of the name by which epochs are to be compared.
    """

    def __init__(
        self,
        *,
        model: keras.Model,
        loss: Callable[..., Any],
        make_metrics: Callable[[], list[keras.metrics.Metric]],
        train: Callable[[int], tf.data.Dataset],
        validation: tf.data.Dataset | None,
        config: TrainingConfig,
        folder: RunFolder,
        report: ProgressReport | None = None,
        warn: Callable[[str], None] = lambda line: None,
        note: Callable[[str], None] = lambda line: None,
        resume_command: str = "the same command and --resume",
        training_loss: Callable[..., Any] | None = None,
        objective: Callable[..., tuple[Any, Any]] | None = None,
        layer_groups: list[list[Any]] | None = None,
        more_figures: Callable[[], dict[str, float]] | None = None,
    ) -> None:
        self.model = model
        self.progress = Progress()
        self._loss = loss
        self._training_loss = training_loss or loss
        self._objective = objective
        self._make_metrics = make_metrics
        self._layer_groups = layer_groups or []
        self._more_figures = more_figures
        self._train_data = train
        self._validation = validation
        self._config = config
        self._folder = folder
        self._report = report or NoReport()
        self._warn = warn
        self._note = note
        self._resume_command = resume_command
        self._saved = 0.0
        self._started = time.monotonic()
        self._events = EventWriter(folder.tensorboard, warn) if config.tensorboard else None

    def run(self, resume: bool = False) -> Progress:
        """Train to the end; the model then has the weights of the best epoch (averaged, if that is asked for).

        Args:
            resume: Whether to go on from the newest checkpoint, if there is one.

        Returns:
            Where the training ended, with the figures of all epochs.

        Raises:
            Interrupted: when the user stopped it; a checkpoint has been written.
            UserError: when the loss is not a number any more, the disk is full, or no checkpoint can be read.
        """
        checkpoint = self._folder.checkpoints.load_newest(self._warn) if resume else None
        if checkpoint is not None:
            self.progress = Progress(**checkpoint.progress)
        else:
            self.progress.steps_per_epoch = self._count_batches()
        self._build()
        if self._epochs > self._config.epochs:
            note = f"{self._epochs} epochs in place of {self._config.epochs}, so that there are enough steps"
            self._note(f"{note} (training.min_steps = {self._config.min_steps})")
        if checkpoint is not None:
            restore(checkpoint.arrays, self._groups, self._average)
        self._started = time.monotonic() - self.progress.seconds
        self._saved = time.monotonic()
        try:
            with stop_requests() as stop, contextlib.closing(self._report):
                while not self.progress.finished:
                    self._folder.write_status("running", **self.position)
                    self._train_epoch(stop)
                    self._end_epoch(stop)
        except Stopped:
            self._save()
            self._folder.write_status("interrupted", **self.position)
            raise Interrupted(f"Stopped in {self._place()}. Go on with: {self._resume_command}") from None
        except UserError as error:
            with contextlib.suppress(OSError):
                self._folder.write_status("failed", **self.position, error=str(error))
            raise
        self._use_best()
        return self.progress

    @property
    def _epochs(self) -> int:
        """Passes over the data: as asked for, or more where those make too few steps; 0 if time decides."""
        if self._config.minutes is not None:
            return 0
        return max(self._config.epochs, math.ceil(self._config.min_steps / max(1, self.progress.steps_per_epoch)))

    def _build(self) -> None:
        steps = self.progress.steps_per_epoch * self._epochs
        self._optimizer = build_optimizer(self._config, steps)
        self._optimizer.build(self.model.trainable_variables)
        decay = self._config.average_decay
        self._average = WeightAverage(self.model.trainable_variables, decay) if decay else None
        rates = None
        if self._config.layer_rate < 1 or self._config.unfreeze_epochs:
            each = self._config.unfreeze_epochs * self.progress.steps_per_epoch
            rates = LayerRates(self._layer_groups, self._config.layer_rate, each)
        losses = (self._loss, self._training_loss, self._objective)
        average, shards = self._average, self._config.shards
        self._steps = Steps(self.model, *losses, self._make_metrics, self._optimizer, average, rates, shards)
        self._groups = variable_groups(self.model, self._optimizer, self._steps.train_metrics, self._steps.carried)
        validation = self._validation
        self._steps.compile(self._train_data(0).element_spec, None if validation is None else validation.element_spec)

    def _train_epoch(self, stop: StopRequest) -> None:
        progress = self.progress
        self._report.start_epoch(progress.epoch + 1, self._epochs, progress.batch, progress.steps_per_epoch)
        if progress.batch == 0:
            self._steps.start_training_epoch()
        for batch in self._train_data(progress.epoch).skip(progress.batch):
            stop.check()
            if self._time_is_over():
                break
            loss = self._steps.train(batch)
            progress.batch += 1
            progress.step += 1
            if not math.isfinite(loss):
                raise self._diverged()
            self._report.after_batch(progress.batch, self._steps.training_figures())
            if time.monotonic() - self._saved >= self._config.checkpoint_seconds:
                self._save()

    def _time_is_over(self) -> bool:
        """Whether the minutes that were given are spent; tells the schedule how much of them is."""
        if self._config.minutes is None:
            return False
        share = (time.monotonic() - self._started) / (60.0 * self._config.minutes)
        if isinstance(self._optimizer._learning_rate, TimedSchedule):
            self._optimizer._learning_rate.spent.assign(min(share, 1.0))
        return share >= 1.0

    def _end_epoch(self, stop: StopRequest) -> None:
        progress = self.progress
        train = self._steps.training_figures()
        validation = self._validate(stop)
        progress.epoch += 1
        progress.batch = 0
        improved = validation is not None and self._is_best(validation[self._config.monitor])
        if validation is not None and improved:
            value = validation[self._config.monitor]
            progress.best = {"value": value, "epoch": progress.epoch, "step": progress.step}
        entry: dict[str, Any] = {"epoch": progress.epoch, "step": progress.step, "train": train}
        if validation is not None:
            entry["validation"] = validation
        entry["learning_rate"] = float(self._optimizer.learning_rate)
        entry["seconds"] = round(time.monotonic() - self._started, 2)
        progress.history.append(entry)
        patience = self._config.patience
        tired = patience is not None and progress.best is not None and progress.epochs_since_best >= patience
        progress.finished = tired or (
            self._time_is_over() if self._config.minutes is not None else progress.epoch >= self._epochs
        )
        self._save()
        if self._events is not None:
            self._events.write(entry)
        self._report.end_epoch(entry, improved)

    def _validate(self, stop: StopRequest) -> dict[str, float] | None:
        if self._validation is None:
            return None
        with self._steps.averaged():
            figures = self._steps.validate(self._validation, stop.check)
            if self._more_figures is not None:
                figures |= self._more_figures()
        if self._config.monitor not in figures:
            raise UsageError(unknown("figure", self._config.monitor, figures, "--training.monitor"))
        return figures

    def _is_best(self, value: float) -> bool:
        if self.progress.best is None:
            return True
        best = self.progress.best["value"]
        return value < best if self._config.monitor in ("loss", "perplexity") else value > best

    def _save(self) -> None:
        self.progress.seconds = time.monotonic() - self._started
        arrays = gather(self._groups, self._average)
        if not all_finite(arrays):
            raise self._diverged()
        best = self.progress.best["step"] if self.progress.best else None
        try:
            self._folder.checkpoints.save(self.progress.step, arrays, dataclasses.asdict(self.progress), best)
            atomic.write_json_lines(self._folder.path / "metrics.jsonl", self.progress.history)
            self._folder.write_status("running", **self.position)
        except OSError as error:
            raise UserError(
                f"The checkpoint of step {self.progress.step} cannot be written to {self._folder.path}: "
                f"{error.strerror or error}. {self._what_is_kept()}: free some space and go on with: "
                f"{self._resume_command}"
            ) from error
        self._saved = time.monotonic()

    def _use_best(self) -> None:
        best = self.progress.best["step"] if self.progress.best else self.progress.step
        checkpoint = self._folder.checkpoints.load(best)
        if checkpoint is None:
            self._warn(f"the best checkpoint (step {best}) is missing or corrupt; using the newest one.")
            checkpoint = self._folder.checkpoints.load_newest(self._warn)
        if checkpoint is not None:
            restore_weights(self.model, checkpoint.arrays)

    def _count_batches(self) -> int:
        data = self._train_data(0)
        count = int(data.cardinality())
        if count < 0:  # unknown before the texts are in buckets
            count = sum(1 for _ in data)
        if count == 0:
            raise UserError("There is no batch to train on: give more data, or smaller batches.")
        return count

    @property
    def position(self) -> dict[str, Any]:
        """Where the training is, for `status.json`."""
        progress = self.progress
        return {
            "epoch": progress.epoch,
            "epochs": self._epochs or None,
            "batch": progress.batch,
            "step": progress.step,
            "best": progress.best,
        }

    def _place(self) -> str:
        progress = self.progress
        epoch = progress.epoch + 1
        epochs = f"{min(epoch, self._epochs)} of {self._epochs}" if self._epochs else f"{epoch}"
        return f"epoch {epochs}, batch {progress.batch} of {progress.steps_per_epoch}"

    def _diverged(self) -> UserError:
        return UserError(
            f"The loss is no longer a number in {self._place()}. {self._what_is_kept()}. Start a new run with a "
            "smaller --training.learning_rate or --training.clip_norm."
        )

    def _what_is_kept(self) -> str:
        step = self._folder.checkpoints.newest_step()
        return "There is no checkpoint before it" if step is None else f"The checkpoint of step {step} is kept"
