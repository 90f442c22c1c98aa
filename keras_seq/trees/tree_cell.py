"""The contract of a tree cell: project, tell the parent, compose."""

import keras
from keras import ops


class TreeCell(keras.layers.Layer):
    """One node of a recursion over trees: from the states of its children to its own.

    As in a `RecurrentCell`, what depends on the inputs alone is computed for all nodes at once, in `project_inputs`.
    The rest has two halves, so that a driver such as `Recursive` can run it for all nodes of a level, however many
    children each of them has: `message` is what a node tells its parent, `compose` makes the state of a node from the
    messages of its children. A cell with an `arity` has one place for each child and finds the messages side by side;
    a cell without has one place, in which they are added up.

    Both halves take the weights as arguments, so that a loop can differentiate them by itself.

    A cell that is noisy while training, such as one with dropout, draws the noise of all nodes at once in `noise`, and
    `compose` takes it as a further argument.

    A subclass sets `state_size` (an integer, or a list with one integer a state), `output_size` and, where they differ
    from the defaults, `arity`, `message_sizes` and `reads_inner_inputs`; it defines `project_inputs`, `step_weights`,
    `leaf`, `compose` and, if its messages are not its states, `message`.

    Call arguments:
        inputs: Tensor `[batch, features]`, the inputs of one node in each of several trees; None for inner nodes
            without an input.
        children: Optional list of tensors `[batch, children, state_size]`, the states of their children. Leaves have
            none.

    Returns:
        `(output, states)`, with an output of shape `[batch, output_size]`.
    """

    state_size: int | list[int]
    output_size: int
    arity: int | None = None  # None: any number of children, in no order
    reads_inner_inputs = False  # whether inner nodes have inputs of their own

    def project_inputs(self, inputs):
        """Map inputs `[..., features]` to `[..., projected]`, the part of a node that needs no children."""
        raise NotImplementedError(f"{type(self).__name__} must define project_inputs(inputs).")

    def step_weights(self) -> list:
        """The weights that `leaf`, `message` and `compose` take, in the dtype that the cell computes in."""
        raise NotImplementedError(f"{type(self).__name__} must define step_weights().")

    def leaf(self, projected, weights):
        """The list of states of leaves: projected `[nodes, projected]` to `[nodes, state_size]`."""
        raise NotImplementedError(f"{type(self).__name__} must define leaf(projected, weights).")

    def message(self, states, projected_parent, weights):
        """The list of what nodes tell their parents, each `[nodes, message_size]`; by default their states.

        `projected_parent` is `[nodes, projected]`, a row for the parent of each node, or None.
        """
        return list(states)

    def compose(self, projected, messages, weights):
        """The list of states of inner nodes, from messages `[nodes, places, message_size]`.

        `projected` is `[nodes, projected]`, or None where inner nodes have no inputs. The messages of children that a
        node does not have are zero. A cell that `is_noisy` gets its `noise` as a keyword argument while training.
        """
        raise NotImplementedError(f"{type(self).__name__} must define compose(projected, messages, weights).")

    @property
    def is_noisy(self) -> bool:
        """Whether `compose` takes noise while training."""
        return False

    def noise(self, nodes):
        """A tensor `[nodes, ...]` of noise for so many inner nodes."""
        raise NotImplementedError(f"{type(self).__name__} must define noise(nodes).")

    def call(self, inputs, children=None):
        """The output and the states of one node in each tree of a batch."""
        weights = self.step_weights()
        projected = None if inputs is None else self.project_inputs(inputs)
        if children is None:
            states = self.leaf(projected, weights)
            return states[0], states
        if not self.reads_inner_inputs:
            projected = None
        batch, count = ops.shape(children[0])[0], children[0].shape[1]
        if self.arity is not None and count > self.arity:
            raise ValueError(f"A node has at most {self.arity} children here (`arity`). Received: {count} children")
        flat = [ops.reshape(state, (-1, state.shape[-1])) for state in children]
        of_parent = None if projected is None else ops.repeat(projected, count, axis=0)
        messages = [
            ops.reshape(message, (batch, count, message.shape[-1]))
            for message in self.message(flat, of_parent, weights)
        ]
        if self.arity is None:
            messages = [ops.sum(message, axis=1, keepdims=True) for message in messages]
        else:
            messages = [ops.pad(message, ((0, 0), (0, self.arity - count), (0, 0))) for message in messages]
        states = self.compose(projected, messages, weights)
        return states[0], states

    def computed(self, weight):
        """The value of a weight in the dtype that the cell computes in; None stays None."""
        return None if weight is None else ops.cast(weight, self.compute_dtype)

    @property
    def state_sizes(self) -> list[int]:
        """`state_size` as a list, also for a cell with one state."""
        return [self.state_size] if isinstance(self.state_size, int) else list(self.state_size)

    @property
    def message_sizes(self) -> list[int]:
        """Sizes of the messages."""
        return self.state_sizes

    @property
    def places(self) -> int:
        """How many places a node has for the messages of its children."""
        return self.arity or 1


def check_arity(arity):
    """Return `arity` as an int, or raise the error that every cell gives for a wrong number of children."""
    if not isinstance(arity, int) or isinstance(arity, bool) or arity <= 0:
        raise ValueError(f"Argument `arity` must be a positive integer. Received: arity={arity!r}")
    return arity
