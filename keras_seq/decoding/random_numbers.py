"""Random numbers that depend on a seed and a place alone."""

import keras
from keras import ops

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA


def threefry(key, counter):
    """Threefry-2x32 with 20 rounds of Salmon et al. (2011), "Parallel Random Numbers: As Easy as 1, 2, 3".

    Args:
        key: Two int32 tensors.
        counter: Two int32 tensors; all four broadcast together.

    Returns:
        Two int32 tensors of random bits. They are the same on every backend.
    """
    keys = (*key, ops.bitwise_xor(ops.bitwise_xor(key[0], key[1]), PARITY))
    x, y = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(5):
        for rotation in ROTATIONS[group % 2]:
            x = x + y
            y = ops.bitwise_xor(_rotate(y, rotation), x)
        x, y = x + keys[(group + 1) % 3], y + keys[(group + 2) % 3] + (group + 1)
    return x, y


def _rotate(bits, places):
    right = ops.bitwise_and(ops.right_shift(bits, 32 - places), (1 << places) - 1)  # the shift repeats the sign
    return ops.bitwise_or(ops.left_shift(bits, places), right)


def uniforms(seed, batch_size, width, length, first=0):
    """Numbers from 0 to below 1, float32 `[length, batch, width]`.

    The number for a row, one of its sequences and a time depends on the seed and these three alone: not on the other
    rows, on how many there are, or on the backend.

    Args:
        seed: Integer, `keras.random.SeedGenerator`, integer tensor `[]`, or integer tensor `[batch]` with a seed for
            each row. A row with the seed s gives what the first row of a batch with the single seed s gives.
            `None` draws a seed.
        batch_size: Integer or scalar tensor.
        width: Number of sequences a row.
        length: Integer or scalar tensor.
        first: Integer or integer tensor `[]` or `[batch]`, the time of the first of them. Defaults to `0`.
    """
    key, by_row = _key(seed)
    rows = ops.arange(batch_size, dtype="int32")
    key = threefry(key, (ops.zeros_like(rows) if by_row else rows, ops.zeros_like(rows)))
    key = [ops.reshape(word, (1, -1, 1)) for word in key]
    first = ops.reshape(ops.convert_to_tensor(first, dtype="int32"), (1, -1, 1))
    times = first + ops.reshape(ops.arange(length, dtype="int32"), (-1, 1, 1))
    sequences = ops.reshape(ops.arange(width, dtype="int32"), (1, 1, -1))
    bits, _ = threefry(key, (sequences, times))
    mantissa = ops.bitwise_and(ops.right_shift(bits, 8), 0xFFFFFF)
    return ops.cast(mantissa, "float32") * 2.0**-24


def _key(seed):
    """The two words of a key, and whether each row has its own."""
    if seed is None:
        seed = keras.random.randint((2,), 0, 2**31 - 1, dtype="int32")
        return (seed[0], seed[1]), False
    if isinstance(seed, keras.random.SeedGenerator):
        state = ops.cast(seed.next(), "int32")
        return (state[0], state[1]), False
    if isinstance(seed, int):
        words = [seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF]
        words = [ops.convert_to_tensor(word - (word >> 31 << 32), dtype="int32") for word in words]
        return tuple(words), False
    seed = ops.convert_to_tensor(seed)
    if len(seed.shape) > 1 or "int" not in keras.backend.standardize_dtype(seed.dtype):
        raise ValueError(
            "Argument `seed` must be an integer, a `keras.random.SeedGenerator`, or an integer tensor of shape [] or "
            f"[batch]. Received: shape={tuple(seed.shape)}, dtype={seed.dtype}"
        )
    seed = ops.cast(seed, "int32")
    return (seed, ops.zeros_like(seed)), len(seed.shape) == 1
