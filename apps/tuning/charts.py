"""The charts of a search's report."""

import html
import math
from collections.abc import Sequence

from apps.tuning.objective import OF_EPOCHS, Objective
from apps.tuning.parameter import Parameter, Range, shown
from apps.tuning.plot import BOTTOM, LEFT, RIGHT, TOP, Axis, Plot, drawing, shade, text_at
from apps.tuning.record import SearchRecords, TrialRecord

STRONG, WARNING = "rgb(15,118,110)", "#b45309"
COLORS = {"completed": STRONG, "stopped": "#94a3b8", "failed": WARNING, "running": "#e7e5e4"}
SLICE_WIDTH, SLICE_HEIGHT = 300, 190


class Charts:
    """Draws what is known about a search.

    Args:
        records: Its trials.
        parameters: What is searched.
        objective: The figure searched by.
    """

    def __init__(self, records: SearchRecords, parameters: Sequence[Parameter], objective: Objective) -> None:
        self._records = records
        self._parameters = parameters
        self._objective = objective
        self._good = [trial for trial in records.searched if trial.successful]
        ranking = sorted(self._good, key=lambda trial: trial.score or 0.0, reverse=objective.direction == "min")
        # By rank: a score that is far off would make all others one colour.
        self._quality = {trial.name: (place + 1) / len(ranking) for place, trial in enumerate(ranking)}
        self._scores = Axis([trial.score for trial in self._good], objective.name, robust=True)

    def history(self) -> str:
        """Each trial's score when it ended, and the best so far."""
        ended = sorted((t for t in self._good if t.ended), key=lambda trial: trial.ended or 0.0)
        if not ended:
            return ""
        hours = [self._working_hours(trial.ended or 0.0) for trial in ended]
        plot = Plot(Axis([0.0, *hours], "hours of searching"), self._scores)
        best: list[tuple[float, float]] = []
        for hour, trial in zip(hours, ended, strict=True):
            score = trial.score or 0.0
            if not best or self._objective.better(score, best[-1][1]):
                best += [(hour, best[-1][1]), (hour, score)] if best else [(hour, score)]
            plot.point(hour, score, COLORS[trial.status], self._title(trial))
        plot.line([*best, (hours[-1], best[-1][1])], STRONG, 2.0)
        return plot.svg()

    def _working_hours(self, time: float) -> float:
        """How long the search had been at work, interruptions left out."""
        return sum(max(0.0, min(end, time) - start) for start, end in self._records.sessions) / 3600

    def curves(self) -> str:
        """The objective (or the loss) after each epoch of each trial, the better ones stronger."""
        trials = [trial for trial in self._good if trial.curve]
        if not trials:
            return ""
        values = [value for trial in trials for value in trial.curve]
        epochs = [0, *(len(trial.curve) for trial in trials)]
        figure = self._objective.name if self._objective.name in OF_EPOCHS else "loss"
        plot = Plot(Axis(epochs, f"epochs (validation {figure})"), Axis(values, robust=True))
        for trial in sorted(trials, key=lambda trial: self._quality[trial.name]):
            color = shade(self._quality[trial.name])
            points = [(epoch, value) for epoch, value in enumerate(trial.curve, start=1) if math.isfinite(value)]
            plot.line(points, color, title=self._title(trial))
            if points:
                plot.point(*points[-1], color, self._title(trial))
        return plot.svg()

    def parallel(self) -> str:
        """A line for each trial through its values, the better ones stronger."""
        axes = [(p.name.rpartition(".")[2], p.name, self._axis(p)) for p in self._parameters]
        axes.append((self._objective.name, "", self._scores))
        if not self._good or len(axes) < 2:
            return ""
        step, height = 84, 330
        top, bottom = 40, height - 20
        parts = []
        for number, (title, _, axis) in enumerate(axes):
            x = 40 + number * step
            parts.append(f'<path d="M{x},{top}V{bottom}" class="axis"/>')
            parts.append(text_at(x, 14 if number % 2 else 28, title, "middle", "label"))
            parts += [text_at(x + 4, bottom - p * (bottom - top) + 4, text[:11]) for p, text in axis.ticks()]
        lines = []
        for trial in sorted(self._good, key=lambda trial: self._quality[trial.name]):
            points = []
            for number, (_, name, axis) in enumerate(axes):
                value = trial.values.get(name) if name else trial.score
                if not name or name in trial.values:  # a setting that does not matter is passed by
                    points.append(f"{40 + number * step},{bottom - axis.place(value) * (bottom - top):.1f}")
            color = shade(self._quality[trial.name])
            path = " ".join(points)
            lines.append(
                f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.3">'
                f"<title>{html.escape(self._title(trial) + self._values(trial))}</title></polyline>"
            )
        return drawing(40 + step * len(axes), height, [*lines, *parts])

    def slices(self) -> list[str]:
        """For each setting, its values and the scores."""
        return [self._slice(parameter) for parameter in self._parameters if self._good]

    def _slice(self, parameter: Parameter) -> str:
        plot = Plot(self._axis(parameter), self._scores, SLICE_WIDTH, SLICE_HEIGHT)
        for number, trial in enumerate(self._good):
            if parameter.name in trial.values:
                shift = 0.0 if isinstance(parameter, Range) else (number % 5 - 2) * 4.0
                color = shade(self._quality[trial.name])
                plot.point(trial.values[parameter.name], trial.score, color, self._title(trial), shift)
        return plot.svg()

    def _axis(self, parameter: Parameter) -> Axis:
        values = [trial.values[parameter.name] for trial in self._good if parameter.name in trial.values]
        if isinstance(parameter, Range):
            return Axis(values, parameter.name, parameter.log)
        # Each choice has its place, in the order in which the space has them.
        return Axis([value for value in parameter.values if value in values] or [0.0], parameter.name, choice=True)

    def importance(self, shares: dict[str, float]) -> str:
        """A bar for each setting."""
        if not shares:
            return ""
        longest = max(shares.values()) or 1.0
        parts = []
        for number, (name, share) in enumerate(shares.items()):
            y = 4 + number * 22
            parts.append(text_at(190, y + 13, name, "end"))
            parts.append(f'<rect x="198" y="{y}" width="{280 * share / longest:.1f}" height="16" fill="{STRONG}"/>')
            parts.append(text_at(204 + 280 * share / longest, y + 13, f"{100 * share:.0f} %"))
        return drawing(540, 8 + 22 * len(shares), parts)

    def timeline(self) -> str:
        """What each worker did, when."""
        attempts = [(trial, *attempt) for trial in self._records.trials.values() for attempt in trial.attempts]
        if not attempts:
            return ""
        last = self._records.sessions[-1][1]
        width, row = 720, 24
        workers = sorted({worker for _, worker, _, _ in attempts}, key=str)
        hours = Axis([0.0, max(self._working_hours(last), 1e-6)], "hours of searching")
        parts = [text_at(LEFT - 6, TOP + row * n + 16, f"worker {w}", "end") for n, w in enumerate(workers)]
        for trial, worker, start, end in attempts:
            left, right = (
                LEFT + hours.place(self._working_hours(time)) * (width - LEFT - RIGHT) for time in (start, end or last)
            )
            y = TOP + row * workers.index(worker)
            parts.append(
                f'<rect x="{left:.1f}" y="{y + 2}" width="{max(right - left - 0.5, 1):.1f}" height="{row - 4}" '
                f'fill="{COLORS[trial.status]}"><title>{self._title(trial)}</title></rect>'
            )
        bottom = TOP + row * len(workers)
        parts += [text_at(LEFT + p * (width - LEFT - RIGHT), bottom + 16, t, "middle") for p, t in hours.ticks()]
        parts.append(text_at((LEFT + width) / 2, bottom + 34, hours.title, "middle", "label"))
        return drawing(width, bottom + BOTTOM, parts)

    def cost(self, attribute: str, title: str) -> str:
        """The scores against what the trials cost: `seconds` or `parameters`."""
        trials = [trial for trial in self._good if getattr(trial, attribute)]
        if not trials:
            return ""
        plot = Plot(Axis([getattr(trial, attribute) for trial in trials], title, log=True), self._scores)
        for trial in trials:
            plot.point(getattr(trial, attribute), trial.score, COLORS[trial.status], self._title(trial))
        return plot.svg()

    def _title(self, trial: TrialRecord) -> str:
        score = f"{self._objective.name} {trial.score:.4g}" if trial.score is not None else trial.kind
        return f"trial {trial.name}: {score}"

    def _values(self, trial: TrialRecord) -> str:
        return "".join(f"\n{name} {shown(value)}" for name, value in trial.values.items())
