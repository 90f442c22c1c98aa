"""The same numbers as PyTorch's own layers, with its weights mapped to ours."""

import functools

import keras
import numpy as np
import pytest

import keras_seq

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-backends installs it")

BATCH, TIME, FEATURES, UNITS, PROJECTION = 3, 7, 5, 4, 2


def to_numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


def gates(weight, order):
    """PyTorch's rows `[gates * units, size]` as our columns `[size, gates * units]`, in our order of gates."""
    parts = np.split(weight.detach().numpy(), len(order))
    return np.concatenate([parts[i] for i in order]).T


def mapped(layer, kind, suffix=""):
    """The weights of one direction of a PyTorch layer as the weights of our cell."""
    w, u, b, d = (getattr(layer, f"{name}_l0{suffix}") for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    # PyTorch: i, f, g, o and r, z, n; Keras: i, f, c, o and z, r, h.
    order = {"elman": [0], "lstm": [0, 1, 2, 3], "projected_lstm": [0, 1, 2, 3], "gru": [1, 0, 2]}[kind]
    bias, further = gates(b, order), gates(d, order)
    weights = [gates(w, order), gates(u, order), np.stack([bias, further]) if kind == "gru" else bias + further]
    if kind == "projected_lstm":
        weights.append(gates(getattr(layer, f"weight_hr_l0{suffix}"), [0]))
    return weights


PAIRS = {
    "elman": (torch.nn.RNN, keras_seq.ElmanCell),
    "lstm": (torch.nn.LSTM, keras_seq.LSTMCell),
    "projected_lstm": (
        functools.partial(torch.nn.LSTM, proj_size=PROJECTION),
        functools.partial(keras_seq.ProjectedLSTMCell, projection=PROJECTION),
    ),
    "gru": (torch.nn.GRU, keras_seq.GRUCell),
}


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("padded", [False, True])
def test_equals_pytorch(kind, bidirectional, padded):
    theirs, cell = PAIRS[kind]
    torch.manual_seed(0)
    theirs = theirs(FEATURES, UNITS, batch_first=True, bidirectional=bidirectional)
    ours = keras_seq.Recurrent(cell(UNITS), return_sequences=True, return_state=True)
    if bidirectional:
        ours = keras_seq.Bidirectional(ours)
    ours.build((BATCH, TIME, FEATURES))
    weights = mapped(theirs, kind) + (mapped(theirs, kind, "_reverse") if bidirectional else [])
    ours.set_weights(weights)

    x = np.random.default_rng(0).normal(size=(BATCH, TIME, FEATURES)).astype("float32")
    lengths = [TIME, 4, 1] if padded else [TIME] * BATCH
    packed = torch.nn.utils.rnn.pack_padded_sequence(torch.tensor(x), lengths, True, enforce_sorted=False)
    with torch.no_grad():
        outputs, final = theirs(packed)
    outputs = torch.nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)[0].numpy()
    final = final if isinstance(final, tuple) else (final,)
    final = [np.concatenate(list(state.numpy()), axis=-1) for state in final]  # [batch, directions * units]

    mask = np.arange(TIME)[None] < np.array(lengths)[:, None]
    got, *states = (to_numpy(t) for t in ours(x, mask=mask if padded else None))
    np.testing.assert_allclose(got[mask], outputs[mask], atol=1e-5)
    for ours_state, theirs_state in zip(states, final, strict=True):
        np.testing.assert_allclose(ours_state, theirs_state, atol=1e-5)
