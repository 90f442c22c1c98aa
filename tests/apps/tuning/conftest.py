"""Searches over fake trainings."""

import functools
import runpy

import pytest
import scipy.optimize

from . import fakes


@pytest.fixture
def make_search(tmp_path):
    """`make_search(behaviour, **options)`: a search whose trials are fake; `.folder` is its folder."""

    def make(behaviour=None, **options):
        return fakes.fake_search(tmp_path, behaviour, **options)

    return make


@pytest.fixture
def start_process(processes):
    """`start_process(root, options)` runs a search in a process of its own; with an address, a worker for its chief."""
    started = []

    def start(root, options, address=None):
        given = {"root": str(root), "options": options, "address": address}
        process = processes.Process(target=runpy.run_path, args=(fakes.__file__, {"given": given}, "__main__"))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


@pytest.fixture(autouse=True)
def quick_gaussian_process(monkeypatch):
    """Few steps of the optimizers under KerasTuner's Bayesian oracle: what they find matters to no test here."""
    minimize = functools.partial(scipy.optimize.minimize, options={"maxiter": 2})
    monkeypatch.setattr(scipy.optimize, "minimize", minimize)
