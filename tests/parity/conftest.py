"""Fixtures over all cells; all tests here run on every backend."""

import keras
import pytest
from cases import CELLS, Case


@pytest.fixture(params=CELLS)
def case(request):
    return Case(request.param)


@pytest.fixture
def numpy():
    """Tensors of any backend to NumPy, in any nest."""
    return lambda nest: keras.tree.map_structure(keras.ops.convert_to_numpy, nest)
