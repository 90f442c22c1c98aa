"""What happens with one batch, of training and of validation, as graphs."""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from apps.runs.averaging import WeightAverage
from apps.runs.layer_rates import LayerRates
from apps.runs.shards import Pass, in_shards
from keras_seq.training import TruncatedBPTT
from keras_seq.training.carried_state import carried_state

Metrics = list[keras.metrics.Metric]


class Steps:
    """The training step and the validation step of a model.

    A batch is `(inputs, targets)`, or `(inputs, targets, weights)` where tokens are weighted. A `TruncatedBPTT` is
    given the state that the batch before has left, in training and in validation.

    Args:
        model: A built Keras model.
        loss: `loss(targets, outputs)`, or `loss(targets, outputs, weights)` of weighted batches: the mean.
        training_loss: The same while training.
        objective: What training minimises, where it is more than the loss of the model's outputs:
            `objective(model, inputs, targets) -> (loss, outputs)`, with the weights as a fourth of weighted batches.
        make_metrics: Makes the Keras metrics to be reported beside the loss.
        optimizer: A Keras optimizer.
        average: The moving average of the weights, or None.
        rates: What makes the steps of lower layers smaller, or None.
        shards: In how many parts, each in a thread of its own, a batch of training is computed.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: Callable[..., Any],
        training_loss: Callable[..., Any],
        objective: Callable[..., tuple[Any, Any]] | None,
        make_metrics: Callable[[], Metrics],
        optimizer: keras.optimizers.Optimizer,
        average: WeightAverage | None,
        rates: LayerRates | None = None,
        shards: int = 1,
    ) -> None:
        self.train_metrics: Metrics = [keras.metrics.Mean(name="loss"), *make_metrics()]
        self.validation_metrics: Metrics = [keras.metrics.Mean(name="loss"), *make_metrics()]
        self._model = model
        self._loss = loss
        self._training_loss = training_loss
        self._objective = objective
        self._optimizer = optimizer
        self._average = average
        self._rates = rates
        self._shards = shards
        self._has_logits = True
        self._carried: list[Any] = []
        if isinstance(model, TruncatedBPTT):
            self._carried = [carried_state(model.model.get_initial_state(1)) for _ in ("training", "validation")]

    @property
    def carried(self) -> list[Any]:
        """The variables that hold the state between batches of training; they change their size with the batches."""
        return tf.nest.flatten(self._carried[0].variables) if self._carried else []

    def compile(self, train: Any, validation: Any | None) -> None:
        """Make the graphs for batches of these element specifications.

        A graph of training whose batches are all of one size knows it, since loops of known sizes can be faster.
        """
        # Of a whole step XLA makes something slower than TensorFlow on a CPU; layers have it compile what it is good
        # for. Nothing here needs AutoGraph, which would read and rewrite all code on the way before it is traced.
        options = {"jit_compile": False, "autograph": False}
        self._train = tf.function(self._train_on_batch, input_signature=_one_shape(train), **options)
        if validation is not None:
            signature = _any_shape(validation)
            self._validate = tf.function(self._validate_on_batch, input_signature=signature, **options)

    def start_training_epoch(self) -> None:
        """Begin the figures, and the state, of an epoch anew."""
        _reset(self.train_metrics, self._carried[:1])

    def training_figures(self) -> dict[str, float]:
        """The figures of the epoch so far; the loss alone of a model that trains without logits."""
        return results(self.train_metrics if self._has_logits else self.train_metrics[:1])

    def train(self, batch: Any) -> float:
        """One step of the optimizer; returns the loss, with the penalties on weights."""
        return float(self._train(*batch))

    def validate(self, data: tf.data.Dataset, check: Callable[[], None]) -> dict[str, float]:
        """The figures of a dataset, with the weights as they are; `check` is called before each batch."""
        _reset(self.validation_metrics, self._carried[1:])
        for batch in data:
            check()
            self._validate(*batch)
        return results(self.validation_metrics)

    def averaged(self) -> Any:
        """A context in which the model has the averaged weights, if there are any."""
        return self._average.in_place() if self._average is not None else contextlib.nullcontext()

    def _train_on_batch(self, inputs: Any, targets: Any, weights: Any = None) -> tf.Tensor:
        variables = self._model.trainable_variables
        state = self._state(inputs, training=True)
        done = in_shards(self._shards, self._forward_backward, inputs, targets, weights, state)
        if self._rates is None:
            self._optimizer.apply(done.gradients, variables)
        else:
            before, step = self._rates.before(), tf.identity(self._optimizer.iterations.value)
            self._optimizer.apply(done.gradients, variables)
            self._rates.after(before, step)
        if self._average is not None:
            self._average.update(self._optimizer.iterations.value)
        self._keep(done.state, training=True)
        self._has_logits = not isinstance(done.outputs, dict)
        shown = self.train_metrics if self._has_logits else self.train_metrics[:1]
        _update(shown, done.loss, targets, done.outputs, weights)
        return done.total

    def _forward_backward(self, inputs: Any, targets: Any, weights: Any, state: Any) -> Pass:
        with tf.GradientTape() as tape:
            if self._objective is not None:
                weighted = () if weights is None else (weights,)
                loss, outputs = self._objective(self._model, inputs, targets, *weighted)
            else:
                outputs, state = self._outputs(inputs, state, training=True)
                loss = _mean(self._training_loss, targets, outputs, weights)
            total = tf.add_n([loss, *self._model.losses])
        return Pass(total, loss, tape.gradient(total, self._model.trainable_variables), outputs, state)

    def _validate_on_batch(self, inputs: Any, targets: Any, weights: Any = None) -> None:
        outputs, state = self._outputs(inputs, self._state(inputs, training=False), training=False)
        self._keep(state, training=False)
        _update(self.validation_metrics, _mean(self._loss, targets, outputs, weights), targets, outputs, weights)

    def _outputs(self, inputs: Any, state: Any, training: bool) -> tuple[Any, Any]:
        """The outputs of the model and the state after them, which is empty where none is carried."""
        if not self._carried:
            return self._model(inputs, training=training), state
        return self._model(inputs, state=state, training=training)

    def _state(self, inputs: Any, training: bool) -> Any:
        """What the rows of a batch start from."""
        if not self._carried:
            return ()
        initial = self._model.model.get_initial_state(tf.shape(tf.nest.flatten(inputs)[0])[0])
        return self._carried[0 if training else 1].go_on(initial)

    def _keep(self, state: Any, training: bool) -> None:
        if self._carried:
            self._carried[0 if training else 1].keep(tf.nest.map_structure(tf.stop_gradient, state))


def results(metrics: Metrics) -> dict[str, float]:
    """The values of metrics by name."""
    return {metric.name: float(metric.result()) for metric in metrics}


def _mean(loss: Callable[..., Any], targets: Any, outputs: Any, weights: Any) -> Any:
    return loss(targets, outputs) if weights is None else loss(targets, outputs, weights)


def _reset(metrics: Metrics, carried: list[Any]) -> None:
    for metric in metrics:
        metric.reset_state()
    for state in carried:
        state.forget()


def _update(metrics: Metrics, loss: tf.Tensor, targets: Any, outputs: Any, weights: Any) -> None:
    mean, *others = metrics
    mean.update_state(loss, sample_weight=tf.shape(outputs)[0] if weights is None else tf.reduce_sum(weights))
    for metric in others:
        metric.update_state(targets, outputs, sample_weight=weights)


def _one_shape(specification: Any) -> Any:
    """The element specification, if it says all sizes; else one without sizes."""
    known = all(spec.shape.is_fully_defined() for spec in tf.nest.flatten(specification))
    return specification if known else _any_shape(specification)


def _any_shape(specification: Any) -> Any:
    """An element specification without sizes, so that one graph serves all batches of all epochs."""
    return tf.nest.map_structure(lambda spec: tf.TensorSpec([None] * spec.shape.rank, spec.dtype), specification)
