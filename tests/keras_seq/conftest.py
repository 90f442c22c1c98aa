"""Fixtures over masks and over the cells that Keras has too; all tests here run on every backend."""

import keras
import numpy as np
import pytest
from cases import KERAS_CELLS, MASKS, Case


@pytest.fixture(params=KERAS_CELLS)
def case(request):
    return Case(request.param)


@pytest.fixture(params=MASKS)
def mask(request):
    rows = MASKS[request.param]
    return None if rows is None else np.array(rows, dtype=bool)


@pytest.fixture
def numpy():
    """Tensors of any backend to NumPy, in any nest."""
    return lambda nest: keras.tree.map_structure(keras.ops.convert_to_numpy, nest)


@pytest.fixture
def uncompiled():
    """JAX compiles every scan of every shape anew, a second each; a test of many shapes runs op by op."""
    if keras.backend.backend() != "jax":
        yield
    else:
        import jax

        with jax.disable_jit():
            yield
