"""Fixtures over all cells; all tests here run on every backend."""

import keras
import pytest
from cases import CELLS, Case


@pytest.fixture(autouse=True)
def uncompiled():
    """JAX compiles every scan of every shape anew, a second each: one test lets it, the others run op by op."""
    if keras.backend.backend() != "jax":
        yield
    else:
        import jax

        with jax.disable_jit():
            yield


@pytest.fixture(params=CELLS)
def case(request):
    return Case(request.param)


@pytest.fixture
def numpy():
    """Tensors of any backend to NumPy, in any nest."""
    return lambda nest: keras.tree.map_structure(keras.ops.convert_to_numpy, nest)
