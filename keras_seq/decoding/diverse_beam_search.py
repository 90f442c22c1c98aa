"""Diverse beam search."""

import keras
from keras import ops

from keras_seq.decoding.beam_search import BeamSearch
from keras_seq.decoding.rows import take_each
from keras_seq.decoding.strategy import check_positive


@keras.saving.register_keras_serializable(package="keras_seq")
class DiverseBeamSearch(BeamSearch):
    """Beams in groups that avoid each other's tokens (Vijayakumar et al. 2018, "Diverse Beam Search").

    In every step one group after the other chooses its beams. It ranks a continuation by the score less `diversity`
    times the number of beams of the groups before it that got the same token in this step. What it keeps is the score
    itself, so that all groups are compared by it in the end.

    Args:
        width: Number of sequences that are kept, those of all groups together.
        groups: Number of groups; it divides `width`.
        diversity: What each earlier use of a token costs, 0 or more. Defaults to `0.5`.
        length_penalty: As in `BeamSearch`.
        coverage_penalty: As in `BeamSearch`.
        sequences: How many of the sequences are returned. Defaults to all `width`.
    """

    def __init__(self, width=4, groups=2, diversity=0.5, length_penalty=0.0, coverage_penalty=0.0, sequences=None):
        super().__init__(width, length_penalty, coverage_penalty, width if sequences is None else sequences)
        if width % check_positive("groups", groups):
            raise ValueError(f"`groups` must divide `width`. Received: groups={groups}, width={width}")
        if diversity < 0:
            raise ValueError(f"Argument `diversity` must be 0 or more. Received: diversity={diversity}")
        self.groups = groups
        self.diversity = diversity

    def select(self, scores, tokens):
        """The best of the continuations of each group; see `BeamSearch.select`.

        The `width` best continuations of a beam suffice: at most `width - size` of them are made worse, so that
        `size` others that are at least as good as anything left out remain.
        """
        size, count = self.width // self.groups, scores.shape[-1]
        chosen, taken = [], None
        for group in range(self.groups):
            part = slice(group * size, (group + 1) * size)
            own_scores, own_tokens = (ops.reshape(item[:, part], (-1, size * count)) for item in (scores, tokens))
            ranked = own_scores
            if taken is not None:
                same = ops.equal(ops.expand_dims(own_tokens, -1), ops.expand_dims(taken, 1))
                same = ops.logical_and(same, ops.expand_dims(own_tokens >= 0, -1))
                ranked = ranked - self.diversity * ops.sum(ops.cast(same, "float32"), axis=-1)
            ranked, best = ops.top_k(ranked, size)
            best = ops.cast(best, "int32")
            new = ops.where(ops.isinf(ranked), -1, take_each(own_tokens, best))
            taken = new if taken is None else ops.concatenate([taken, new], axis=1)
            chosen.append(best + group * size * count)
        chosen = ops.concatenate(chosen, axis=1)
        return chosen, take_each(ops.reshape(scores, (-1, self.width * count)), chosen)

    def get_config(self):
        """Return the arguments that build this strategy again."""
        return {**super().get_config(), "groups": self.groups, "diversity": self.diversity}
