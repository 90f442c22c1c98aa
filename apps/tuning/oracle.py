"""Which values to try next: KerasTuner's oracles, in memory, with a state that a journal of events rebuilds."""

import warnings
from collections.abc import Mapping
from typing import Any

from apps.tuning.config import TunerConfig
from apps.tuning.space import Space

# What the oracles answer when they have no trial for a worker.
WAIT, EXHAUSTED = "wait", "exhausted"
WORST = 1e30


class SearchOracle:
    """One of KerasTuner's oracles, asked for trials and told their scores.

    The same calls in the same order put it into the same state, so that a search is resumed by repeating those that its
    journal has; nothing of KerasTuner's own files is used.

    Args:
        config: Algorithm, seed and so on.
        space: What is searched.
        direction: `max` or `min`.
        epochs: Epochs of a whole training, for Hyperband.
    """

    def __init__(self, config: TunerConfig, space: Space, direction: str, epochs: int) -> None:
        self._hyperband = config.algorithm == "hyperband"
        self._direction = direction
        self._oracle = _make_oracle(config, space, direction, epochs)
        self._oracle.verbose = 0
        # The journal is what is kept.
        self._oracle.save = self._oracle._save_trial = lambda *ignored: None

    def create(self) -> tuple[str, dict[str, Any]] | str:
        """The next trial: its id and values (KerasTuner's); or `WAIT` for others to end; or `EXHAUSTED`."""
        # A worker that asks again is given the same trial: each trial has a worker of its own.
        trial = self._oracle.create_trial(str(len(self._oracle.trials)))
        if trial.status == "RUNNING":
            return trial.trial_id, dict(trial.hyperparameters.values)
        return EXHAUSTED if trial.status == "STOPPED" else WAIT

    def repeat(self, trial_id: str, values: Mapping[str, Any], last: bool = True) -> None:
        """Create a trial once more; where the oracle would now choose other values, the recorded ones hold.

        Args:
            trial_id: The trial.
            values: Its recorded values.
            last: Whether this is the newest trial; of those before, a Gaussian process need not be fitted again.
        """
        from keras_tuner.src.engine.trial import Trial

        oracle = self._oracle
        worker = str(len(oracle.trials))
        if isinstance(oracle, _bayesian_class()):
            oracle.recorded = None if last else dict(values)
        trial = oracle.create_trial(worker)
        if isinstance(oracle, _bayesian_class()):
            oracle.recorded = None
        if trial.status != "RUNNING" or trial.trial_id != trial_id:
            trial = Trial(oracle.hyperparameters.copy(), trial_id=trial_id, status="RUNNING")
            oracle.tuner_ids.add(worker)
            oracle.trials[trial_id] = oracle.ongoing_trials[worker] = trial
            oracle.start_order.append(trial_id)
        if trial.hyperparameters.values != values:
            trial.hyperparameters.values = dict(values)
            oracle._record_values(trial)

    def end(self, trial_id: str, score: float | None) -> None:
        """Tell how a trial ended; None if it failed."""
        trial = self._oracle.trials[trial_id]
        if score is None and self._hyperband:
            # A rung is full when all of its trials have ended; a failed one is the last of them.
            score = WORST if self._direction == "min" else -WORST
        if score is None:
            trial.status = "FAILED"
        else:
            self._oracle.update_trial(trial_id, {"score": score})
            trial.status = "COMPLETED"
        self._oracle.end_trial(trial)


def _make_oracle(config: TunerConfig, space: Space, direction: str, epochs: int) -> Any:
    import keras_tuner

    options: dict[str, Any] = {
        "objective": keras_tuner.Objective("score", direction),
        "hyperparameters": space.hyperparameters(),
        "seed": config.seed,
        "allow_new_entries": False,
        "tune_new_entries": False,
        # KerasTuner ends a search after three failures in a row.
        "max_consecutive_failed_trials": 10**9,
    }
    if config.algorithm == "hyperband":
        # As many sweeps as there is room for.
        options |= {"max_epochs": epochs, "factor": config.factor, "hyperband_iterations": None}
        return keras_tuner.oracles.HyperbandOracle(**options)
    # The number of trials is counted by the search, which can then be given more of them.
    options["max_trials"] = None
    if config.algorithm == "grid":
        return keras_tuner.oracles.GridSearchOracle(**options)
    if config.algorithm == "random":
        return keras_tuner.oracles.RandomSearchOracle(**options)
    # One random trial for each setting, and then the Gaussian process; KerasTuner's three are a whole night.
    return _bayesian_class()(num_initial_points=max(3, len(space.parameters)), **options)


def _bayesian_class() -> Any:
    """KerasTuner's Bayesian oracle, which need not fit a Gaussian process again for a trial that is known."""
    global _BAYESIAN
    if _BAYESIAN is None:
        import keras_tuner
        import threadpoolctl

        class RepeatableBayesianOracle(keras_tuner.oracles.BayesianOptimizationOracle):
            """Repeats a recorded trial with the random numbers that it took, and tries nothing twice."""

            recorded: dict[str, Any] | None = None
            _seed_state: int

            def populate_space(self, trial_id: str) -> dict[str, Any]:
                completed = sum(trial.status == "COMPLETED" for trial in self.trials.values())
                if self.recorded is None or completed < self.num_initial_points:
                    # On matrices of this size, threads beside busy trials wait for each other most of the time.
                    with threadpoolctl.threadpool_limits(1), warnings.catch_warnings():
                        warnings.simplefilter("ignore")  # of a length scale at its bound
                        found = super().populate_space(trial_id)
                        tried = found["status"] == "RUNNING" and self._duplicate(found["values"])
                        return self._most_hopeful(trial_id) if tried else found
                self._random_state.uniform(size=(RESTARTS, len(self._nonfixed_space())))
                return {"status": "RUNNING", "values": dict(self.recorded)}

            def _most_hopeful(self, trial_id: str) -> dict[str, Any]:
                """Of random values that have not been tried, those of the lowest bound of the Gaussian process.

                Where its optimum is at the bounds of a setting or is the only value near, it would be found for ever.
                """
                before = self._seed_state
                self._seed_state = CANDIDATES * (self.seed + int(trial_id))
                candidates = [values for _ in range(CANDIDATES) if (values := self._random_values()) is not None]
                self._seed_state = before  # as when the trial is repeated
                if not candidates:
                    return {"status": "STOPPED", "values": None}
                mean, deviation = self.gpr.predict([self._vector(values) for values in candidates], return_std=True)
                best = (mean - self.beta * deviation).argmin()
                return {"status": "RUNNING", "values": candidates[best]}

            def _vector(self, values: dict[str, Any]) -> list[float]:
                """Values as the Gaussian process sees them: settings that do not count have their default."""
                return [
                    setting.value_to_prob(values.get(setting.name, setting.default))
                    for setting in self._nonfixed_space()
                ]

        _BAYESIAN = RepeatableBayesianOracle
    return _BAYESIAN


_BAYESIAN: Any = None
# Starting points that KerasTuner draws for the maximum of the acquisition function.
RESTARTS = 50
# Random values to choose from where the maximum has been tried already.
CANDIDATES = 300
