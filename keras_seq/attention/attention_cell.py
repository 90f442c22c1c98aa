"""A recurrent cell that looks at a memory."""

import keras
from keras import initializers, ops

from keras_seq.attention.attention import Attention
from keras_seq.cells.cell import check_units
from keras_seq.cells.wrapper_cell import WrapperCell


@keras.saving.register_keras_serializable(package="keras_seq")
class AttentionCell(WrapperCell):
    """Any recurrent cell, looking at any memory of any length while it steps.

    In the order of Luong et al. (2015), "Effective Approaches to Attention-based Neural Machine Translation", the cell
    steps and then looks; with `input_feeding` it gets what came of it in the step before:

        h_t   = cell(x_t, h~_{t-1})                          h~ with input feeding
        c_t   = attention(h_t, memory)
        h~_t  = tanh([c_t; h_t] W_c)                         the output

    In the order of Bahdanau et al. (2015), "Neural Machine Translation by Jointly Learning to Align and Translate",
    with `attention_before`, it looks and then steps:

        c_t = attention(s_{t-1}, memory)
        s_t = cell(x_t, c_t)                                 the output, or h~_t = tanh([c_t; s_t] W_c) with `units`

    with `W_c` = `output_kernel`. What the cell gets beside its inputs is added to their projection through
    `context_kernel`, which is the same as a longer input: the projection of the inputs is still computed for all steps
    at once. The query `s_{t-1}` is the first state of the cell, its last output in most cells.

    A memory comes in through the driver, `Recurrent(cell)(sequences, memory=memory, memory_mask=memory_mask)`, or, for
    single steps, through `constants`:

        constants = cell.constants(batch_size, memory=memory, memory_mask=memory_mask)
        states = cell.get_initial_state(batch_size, constants=constants)
        output, states = cell(inputs, states, constants=constants)
        weights = cell.alignments(states)

    `keras.layers.RNN` hands no memory to its cell, so it cannot run this one.

    Args:
        cell: A `RecurrentCell`.
        attention: An `Attention`, or a list of them, whose contexts are put beside each other. They look at one memory,
            or at one each where the memory is a list.
        attention_before: Whether the cell looks before it steps. Defaults to `False`.
        input_feeding: Whether the cell gets its last `h~`. Defaults to `False`.
        units: Size of `h~`. Defaults to the cell's output size; with `attention_before`, to no such layer.
        kernel_initializer: Initializer of the kernels. Defaults to `"glorot_uniform"`.
        **kwargs: The arguments of a layer. The dtype defaults to that of `cell`.

    Call arguments:
        inputs: Tensor `[batch, features]`.
        states: The cell's states; then the weights of each attention, the states of those that have any, and `h~` with
            input feeding. An initial state may be that of the cell alone, such as the final one of an encoder.
        training: Whether the layer runs in training mode.
        constants: What `constants` returned.

    Example:

    >>> cell = keras_seq.AttentionCell(keras_seq.LSTMCell(16), keras_seq.AdditiveAttention(8), attention_before=True)
    >>> layer = keras_seq.Recurrent(cell, return_sequences=True, return_alignments=True)
    >>> outputs, weights = layer(np.random.random((32, 5, 4)), memory=np.random.random((32, 10, 8)))
    >>> outputs.shape, weights.shape
    ((32, 5, 16), (32, 5, 10))
    """

    adds_constants = True

    def __init__(
        self,
        cell,
        attention,
        attention_before=False,
        input_feeding=False,
        units=None,
        kernel_initializer="glorot_uniform",
        **kwargs,
    ):
        super().__init__(cell, **kwargs)
        attentions = list(attention) if isinstance(attention, (list, tuple)) else [attention]
        if not attentions or not all(isinstance(one, Attention) for one in attentions):
            raise ValueError(
                f"Argument `attention` must be an attention of keras_seq or a list of them. Received: {attention!r}"
            )
        if input_feeding and attention_before and units is None:
            raise ValueError("With `attention_before`, `input_feeding` needs `units`, the size of what is fed.")
        self.attentions = attentions
        self.several = isinstance(attention, (list, tuple))
        self.attention_before = attention_before
        self.input_feeding = input_feeding
        self.given_units = None if units is None else check_units(units)
        self.units = self.given_units or (None if attention_before else self.cell.output_size)
        self.kernel_initializer = initializers.get(kernel_initializer)
        sizes = [one.alignment_size for one in attentions]
        self.alignment_size = sizes if self.several else sizes[0]
        added = [size[0] if len(size) == 1 else size for size in sizes]
        added += [size for one in attentions for size in one.state_sizes]
        added += [self.units] if input_feeding else []
        self.added_states = len(added)
        self.state_size = [*self.cell.state_sizes, *added]
        self.output_size = self.units or self.cell.output_size

    @property
    def optional_states(self) -> int:
        """How many of the last states an `initial_state` may leave out: all but the cell's own."""
        return self.added_states + self.cell.optional_states

    @property
    def draws_masks(self) -> bool:
        """Whether there is noise that must be the same for all steps of a sequence."""
        return any(one.noisy for one in self.attentions) or super().draws_masks

    def build(self, input_shape, memory_shape=None):
        """Build the cell for inputs `[batch, features]` and the attentions for their memories."""
        if memory_shape is None:
            raise ValueError(NO_MEMORY)
        super().build(input_shape, memory_shape)
        query_size = self.cell.state_sizes[0] if self.attention_before else self.cell.output_size
        for one, shape in zip(self.attentions, self._one_each(memory_shape, is_shape=True), strict=True):
            if not one.built:
                one.build((None, query_size), tuple(shape))
        context_size = sum(one.context_size for one in self.attentions)
        fed = (context_size if self.attention_before else 0) + ((self.units or 0) if self.input_feeding else 0)
        if fed:
            self.context_kernel = self.add_weight(
                shape=(fed, self.addition_size(input_shape)),
                initializer=self.kernel_initializer,
                name="context_kernel",
            )
        if self.units:
            self.output_kernel = self.add_weight(
                shape=(context_size + self.cell.output_size, self.units),
                initializer=self.kernel_initializer,
                name="output_kernel",
            )

    def _one_each(self, memory, is_shape=False):
        """The memory, its mask or its shape, for each attention."""
        several = isinstance(memory, (list, tuple)) and (not is_shape or isinstance(memory[0], (list, tuple)))
        if not several:
            return [memory] * len(self.attentions)
        if len(memory) != len(self.attentions):
            raise ValueError(
                f"Expected one memory, or one for each of {len(self.attentions)} attentions. Received: {len(memory)}"
            )
        return memory

    def constants(self, batch_size, training=False, memory=None, memory_mask=None):
        """The projected memories and, while training, the noise of a sequence; see `RecurrentCell.constants`."""
        if memory is None:
            raise ValueError(NO_MEMORY)
        inner = super().constants(batch_size, training, memory, memory_mask)
        looked_at = []
        for one, its, mask in zip(self.attentions, self._one_each(memory), self._one_each(memory_mask), strict=True):
            projected = one.project_memory(its, mask)
            noise = {"noise": one.draw_noise(projected)} if training and one.noisy else {}
            looked_at.append({"projected": projected, **noise})
        return {"attention": looked_at} | ({} if inner is None else {"cell": inner})

    def get_initial_state(self, batch_size=None, constants=None):
        """Return the states that a sequence starts from; some have the memory's length, which `constants` know."""
        if constants is None:
            raise ValueError(NO_MEMORY)
        states = super().get_initial_state(batch_size, constants)
        looked_at = list(zip(self.attentions, constants["attention"], strict=True))
        states += [one.no_alignment(its["projected"]) for one, its in looked_at]
        states += [state for one, its in looked_at for state in one.initial_alignment(its["projected"])]
        return states + ([ops.zeros((batch_size, self.units), dtype=self.compute_dtype)] if self.input_feeding else [])

    def alignments(self, states):
        """The weights of the last step, `[batch, memory_time]`; a list of them where there is a list of attentions."""
        first = len(self.cell.state_sizes)
        weights = list(states[first : first + len(self.attentions)])
        return weights if self.several else weights[0]

    def step(self, projected, states, training=False, constants=None):
        """One time step: projected inputs, and the states in the order of the call arguments."""
        if constants is None:
            raise ValueError(NO_MEMORY)
        count = len(self.cell.state_sizes)
        cell_states, states = list(states[:count]), list(states[count + len(self.attentions) :])
        fed = [states.pop()] if self.input_feeding else []
        if self.attention_before:
            context, weights, states = self._look(cell_states[0], states, training, constants)
            fed = [context, *fed]
        if fed:
            addition = ops.matmul(ops.concatenate(fed, axis=-1), self.computed(self.context_kernel))
            projected = self.add_to_projection(projected, addition)
        output, cell_states = super().step(projected, cell_states, training, constants)
        if not self.attention_before:
            context, weights, states = self._look(output, states, training, constants)
        if self.units:
            both = ops.concatenate([context, output], axis=-1)
            output = ops.tanh(ops.matmul(both, self.computed(self.output_kernel)))
        return output, [*cell_states, *weights, *states, *([output] if self.input_feeding else [])]

    def _look(self, query, states, training, constants):
        """Attend with each attention: all contexts as one, the weights of each, and their new states."""
        contexts, all_weights, new_states = [], [], []
        for one, its in zip(self.attentions, constants["attention"], strict=True):
            state, states = states[: len(one.state_sizes)], states[len(one.state_sizes) :]
            context, weights, state = one.attend(query, its["projected"], state, training, its.get("noise"))
            contexts.append(ops.cast(context, self.compute_dtype))
            all_weights.append(weights)
            new_states += state
        return ops.concatenate(contexts, axis=-1), all_weights, new_states

    def get_config(self):
        """Return the arguments that build this cell again."""
        attentions = [keras.saving.serialize_keras_object(one) for one in self.attentions]
        return {
            **super().get_config(),
            "attention": attentions if self.several else attentions[0],
            "attention_before": self.attention_before,
            "input_feeding": self.input_feeding,
            "units": self.given_units,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
        }

    @classmethod
    def from_config(cls, config):
        """Build the cell that `get_config` describes."""
        attention = config["attention"]
        if isinstance(attention, list):
            attention = [keras.saving.deserialize_keras_object(one) for one in attention]
        else:
            attention = keras.saving.deserialize_keras_object(attention)
        return super().from_config({**config, "attention": attention})


NO_MEMORY = (
    "AttentionCell needs a memory to look at: run it with `keras_seq.Recurrent(cell)(sequences, memory=...)` "
    "(`keras.layers.RNN` hands no memory to its cell), or build it with `memory_shape` and pass each step "
    "`constants=cell.constants(batch_size, memory=...)`."
)
