"""The loop over levels on JAX, where every shape is known before the values are."""

import jax
import jax.numpy as jnp

_CHUNK = 16


def compute_nodes(steps, inputs, levels):
    """Compute all nodes; see `keras_seq.trees.loop.compute_nodes`.

    How many inner nodes there are is not known when the program is compiled, so that all arrays here have a row for
    every cell of the table.
    """
    cells = inputs.shape[0]
    places = steps.cell.places
    number = jnp.arange(cells)
    nowhere = cells * places
    place = levels.parent * places + (0 if steps.cell.arity is None else levels.position)
    fits = (levels.parent < cells) & (True if steps.cell.arity is None else levels.position < places)
    place = jnp.where(fits, place, nowhere)
    leaf_states = steps.leaf(steps.cell.project_inputs(inputs[levels.order]), steps.weights)
    rows = steps.rows(inputs, levels.order)
    sent = steps.message(leaf_states, _take(rows, levels.parent), steps.weights)
    target = jnp.where(number < levels.inner, nowhere, place)
    messages = [
        jax.ops.segment_sum(message, target, nowhere).reshape(cells, places, message.shape[-1]) for message in sent
    ]
    batch = cells // (levels.starts.shape[0] - 1)
    run = _loop(steps, chunk=min(cells, max(_CHUNK, batch)))
    inner_states = run(steps.weights, rows, messages, (levels.starts, levels.parent, place, levels.count))
    is_inner, is_node = number < levels.inner, number < levels.inner + levels.leaves + levels.lone
    return [
        jnp.where(is_inner[:, None], inner, jnp.where(is_node[:, None], leaf, 0))
        for inner, leaf in zip(inner_states, leaf_states, strict=True)
    ]


def _loop(steps, chunk):
    """The loop over inner nodes, `chunk` of a level at a time, with a gradient of its own.

    JAX has no gradient for a loop whose number of steps is not known beforehand. The backward loop keeps states and
    messages only; the gradients of weights and rows are one step backward over all nodes after the loop.
    """

    def forward(weights, rows, messages, plan):
        starts, parent, place, count = plan
        cells, places = messages[0].shape[:2]
        padded_rows = _pad(rows, chunk)
        parent, place = _pad([parent, place], chunk)
        states = [jnp.zeros((cells + chunk, size), messages[0].dtype) for size in steps.cell.state_sizes]
        received = [m.reshape(-1, m.shape[-1]) for m in _pad(messages, chunk)]

        def body(carry):
            start, level, states, received = carry
            stop = jnp.minimum(start + chunk, starts[level + 1])
            here = _cut(padded_rows, start, chunk)
            total = [m.reshape(chunk, places, -1) for m in _cut(received, start * places, chunk * places)]
            new = steps.compose(here, total, weights)
            sent = steps.message(new, _take(rows, _cut([parent], start, chunk)[0]), weights)
            target = jnp.where(jnp.arange(chunk) < stop - start, _cut([place], start, chunk)[0], cells * places)
            states = _put(states, new, start)
            received = [m.at[target].add(s, mode="drop") for m, s in zip(received, sent, strict=True)]
            return stop, level + (stop == starts[level + 1]), states, received

        _, _, states, received = jax.lax.while_loop(
            lambda carry: carry[1] < count, body, (jnp.int32(0), jnp.int32(0), states, received)
        )
        return [s[:cells] for s in states], [m[: cells * places].reshape(cells, places, -1) for m in received]

    @jax.custom_vjp
    def run(weights, rows, messages, plan):
        return forward(weights, rows, messages, plan)[0]

    def save(weights, rows, messages, plan):
        states, received = forward(weights, rows, messages, plan)
        return states, (weights, rows, states, received, plan)

    def backward(saved, upstream):
        weights, rows, states, received, plan = saved
        starts, parent, place, count = plan
        cells, places = received[0].shape[:2]
        inner = (jnp.arange(cells) < starts[count])[:, None]
        # No sum over rows that are no inner nodes: what stands there is not finite for sure.
        states = [jnp.where(inner, state, 0) for state in states]
        received = [jnp.where(inner[..., None], message, 0) for message in received]
        of_parents = _take(rows, parent)

        def d_message(d_received, below, rows_of_parents, target):
            """From the gradients of what parents received to those of the states of the children."""
            d_sent = [d.at[target].get(mode="fill", fill_value=0) for d in d_received]
            if steps.sends_states:
                return d_sent
            return jax.vjp(lambda below: steps.message(below, rows_of_parents, weights), below)[1](d_sent)[0]

        padded = {
            name: _pad(values, chunk)
            for name, values in (
                ("rows", rows),
                ("of_parents", of_parents),
                ("states", states),
                ("received", received),
                ("place", [place]),
            )
        }

        def body(carry):
            stop, level, d_states, d_received = carry
            start = jnp.maximum(stop - chunk, starts[level])
            valid = jnp.arange(chunk) < stop - start
            here = {name: _cut(values, start, chunk) for name, values in padded.items()}
            target = jnp.where(valid, here["place"][0], cells * places)
            from_above = d_message(d_received, here["states"], here["of_parents"], target)
            old = _cut(d_states, start, chunk)
            new = [jnp.where(valid[:, None], d + above, d) for d, above in zip(old, from_above, strict=True)]
            own = [jnp.where(valid[:, None], d, 0) for d in new]
            d_total = jax.vjp(lambda total: steps.compose(here["rows"], total, weights), here["received"])[1](own)[0]
            old = [d.reshape(chunk, places, -1) for d in _cut(d_received, start * places, chunk * places)]
            d_total = [jnp.where(valid[:, None, None], d, o) for d, o in zip(d_total, old, strict=True)]
            d_received = _put(d_received, [d.reshape(chunk * places, -1) for d in d_total], start * places)
            return start, level - (start == starts[level]), _put(d_states, new, start), d_received

        d_states = _pad([jnp.where(inner, d, 0) for d in upstream], chunk)
        d_received = [jnp.zeros(((cells + chunk) * places, m.shape[-1]), m.dtype) for m in received]
        _, _, d_states, d_received = jax.lax.while_loop(
            lambda carry: carry[1] >= 0, body, (starts[count], count - 1, d_states, d_received)
        )
        d_states = [d[:cells] for d in d_states]
        d_received = [d[: cells * places] for d in d_received]
        d_weights, d_rows = jax.vjp(lambda *given: steps.compose(given[1], received, given[0]), weights, rows)[1](
            d_states
        )
        if not steps.sends_states:
            target = jnp.where(inner[:, 0], place, cells * places)
            d_sent = [d.at[target].get(mode="fill", fill_value=0) for d in d_received]
            more = jax.vjp(lambda *given: steps.message(states, _take(given[1], parent), given[0]), weights, rows)[1](
                d_sent
            )
            d_weights, d_rows = jax.tree.map(jnp.add, (d_weights, d_rows), more)
        return d_weights, d_rows, [d.reshape(m.shape) for d, m in zip(d_received, received, strict=True)], None

    run.defvjp(save, backward)
    return run


def _pad(arrays, rows):
    """Append rows of zeros."""
    return [jnp.concatenate([a, jnp.zeros((rows, *a.shape[1:]), a.dtype)]) for a in arrays]


def _cut(arrays, start, rows):
    return [jax.lax.dynamic_slice_in_dim(array, start, rows) for array in arrays]


def _put(arrays, parts, start):
    return [jax.lax.dynamic_update_slice_in_dim(a, part, start, 0) for a, part in zip(arrays, parts, strict=True)]


def _take(rows, parent):
    """The rows of parents; of no parent, any row."""
    return [row[jnp.minimum(parent, row.shape[0] - 1)] for row in rows]
