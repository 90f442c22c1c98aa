"""Searches over fake trainings."""

import pytest

from .fakes import fake_search


@pytest.fixture
def make_search(tmp_path):
    """`make_search(behaviour, **options)`: a search whose trials are fake; `.folder` is its folder."""

    def make(behaviour=None, **options):
        return fake_search(tmp_path, behaviour, **options)

    return make
