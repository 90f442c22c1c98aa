"""Attention in NumPy: one query and one step of the memory at a time, written from the equations of the papers.

Each function takes the weights by name, the queries `[time, features]` and the memory `[memory_time, memory_features]`
of one sequence without padding, and returns contexts `[time, size]` and weights `[time, memory_time]` (of all heads:
`[heads, time, memory_time]`).
"""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(scores):
    e = np.exp(np.array(scores) - max(scores, default=0.0))
    return e / e.sum()


def weighted_sum(a, h):
    return sum((a_j * h_j for a_j, h_j in zip(a, h, strict=True)), np.zeros(h.shape[1]))


def additive_score(w, s, h_j, more=0.0):
    bias = w.get("bias", 0.0)
    v = w["score_kernel"]
    if "gain" in w:
        v = w["gain"] * v / np.sqrt(np.sum(v**2))
    return v @ np.tanh(s @ w["query_kernel"] + h_j @ w["memory_kernel"] + more + bias)


def multiplicative_score(w, s, h_j, kind):
    if kind == "dot":
        return s @ h_j
    if kind == "scaled":
        return w["gain"] * (s @ h_j)
    if kind == "scaled_dot_product":
        return s @ h_j / np.sqrt(len(s))
    if kind == "general":
        return s @ w["kernel"] @ h_j
    return w["score_kernel"] @ np.tanh(np.concatenate([s, h_j]) @ w["kernel"])


def content(score):
    """An attention without a state: the softmax of a score."""

    def run(w, queries, memory):
        weights = np.array([softmax([score(w, s, h_j) for h_j in memory]) for s in queries])
        return np.array([weighted_sum(a, memory) for a in weights]), weights

    return run


additive = content(additive_score)


def multiplicative(kind):
    return content(lambda w, s, h_j: multiplicative_score(w, s, h_j, kind))


def location_aware(w, queries, memory):
    filters = w["filters_kernel"][:, 0]  # [kernel_size, filters]
    reach = len(filters) // 2
    a = np.zeros(len(memory))
    contexts, weights = [], []
    for s in queries:
        scores = []
        for j in range(len(memory)):
            f_ij = np.zeros(filters.shape[1])
            for offset in range(-reach, reach + 1):
                if 0 <= j + offset < len(memory):
                    f_ij += a[j + offset] * filters[reach + offset]
            scores.append(additive_score(w, s, memory[j], f_ij @ w["location_kernel"]))
        a = softmax(scores)
        contexts.append(weighted_sum(a, memory))
        weights.append(a)
    return np.array(contexts), np.array(weights)


def coverage(w, queries, memory, max_fertility=None):
    covered = np.zeros(len(memory))
    contexts, weights = [], []
    for s in queries:
        a = softmax(
            [additive_score(w, s, h_j, c * w["coverage_kernel"]) for h_j, c in zip(memory, covered, strict=True)]
        )
        for j in range(len(memory)):
            fertility = 1.0
            if max_fertility is not None:
                fertility = max_fertility * sigmoid(memory[j] @ w["fertility_kernel"][:, 0])
            covered[j] += a[j] / fertility
        contexts.append(weighted_sum(a, memory))
        weights.append(a)
    return np.array(contexts), np.array(weights)


def local(w, queries, memory, score, half_width, predictive):
    contexts, weights = [], []
    for t, s in enumerate(queries):
        place = min(t, len(memory) - 1)
        if predictive:
            place = len(memory) * sigmoid(w["place_score_kernel"] @ np.tanh(s @ w["place_kernel"]))
        window = [j for j in range(len(memory)) if abs(j - place) <= half_width]
        a = np.zeros(len(memory))
        for j, share in zip(window, softmax([score(w, s, memory[j]) for j in window]), strict=True):
            sigma = half_width / 2
            a[j] = share * (np.exp(-((j - place) ** 2) / (2 * sigma**2)) if predictive else 1)
        contexts.append(weighted_sum(a, memory))
        weights.append(a)
    return np.array(contexts), np.array(weights)


def monotonic(w, queries, memory, score):
    """The expectation, by the recursion over the memory."""
    before = np.array([1.0] + [0.0] * (len(memory) - 1))[: len(memory)]
    contexts, weights = [], []
    for s in queries:
        a = np.zeros(len(memory))
        q = p = 0.0
        for j, h_j in enumerate(memory):
            q = (1 - p) * q + before[j]
            p = sigmoid(score(w, s, h_j) + w["score_bias"])
            a[j] = p * q
        contexts.append(weighted_sum(a, memory))
        weights.append(a)
        before = a
    return np.array(contexts), np.array(weights)


def monotonic_hard(w, queries, memory, score):
    """Walking: from where the last query stopped on to the first step that is more likely than not."""
    place = 0
    contexts, weights = [], []
    for s in queries:
        while place < len(memory) and score(w, s, memory[place]) + w["score_bias"] <= 0:
            place += 1
        a = np.array([float(j == place) for j in range(len(memory))])
        contexts.append(weighted_sum(a, memory))
        weights.append(a)
    return np.array(contexts), np.array(weights)


def turned(x, place):
    """Rotary positions: each pair of features as a complex number."""
    pairs = x[0::2] + 1j * x[1::2]
    angles = place * 10000.0 ** (-np.arange(0, len(x), 2) / len(x))
    pairs = pairs * np.exp(1j * angles)
    return np.stack([pairs.real, pairs.imag], axis=1).reshape(-1)


def multi_head(w, queries, memory, heads, causal=False, positions=None, max_distance=None):
    size = w["query_kernel"].shape[1] // heads
    contexts = np.zeros((len(queries), heads * size))
    weights = np.zeros((heads, len(queries), len(memory)))
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        q, k, v = (
            x @ w[f"{name}_kernel"][:, part] + w[f"{name}_bias"][part]
            for x, name in ((queries, "query"), (memory, "key"), (memory, "value"))
        )
        for i in range(len(queries)):
            seen = range(i + 1) if causal else range(len(memory))
            scores, values = [], []
            for j in seen:
                q_i, k_j, v_j = q[i], k[j], v[j]
                if positions == "rotary":
                    q_i, k_j = turned(q_i, i), turned(k_j, j)
                if positions == "relative":
                    distance = int(np.clip(j - i, -max_distance, max_distance)) + max_distance
                    k_j, v_j = k_j + w["relative_keys"][distance], v_j + w["relative_values"][distance]
                scores.append(q_i @ k_j / np.sqrt(size))
                values.append(v_j)
            a = softmax(scores)
            weights[head, i, : len(a)] = a
            contexts[i, part] = weighted_sum(a, np.array(values).reshape(-1, size))
    return contexts @ w["output_kernel"] + w["output_bias"], weights


def sinusoids(places, size):
    table = np.zeros((len(places), size))
    for row, t in enumerate(places):
        for i in range(size):
            angle = t / 10000 ** (2 * (i // 2) / size)
            table[row, i] = np.sin(angle) if i % 2 == 0 else np.cos(angle)
    return table


def attention_cell(step, cell_weights, w, attentions, sequence, states, memories, before=False, feeding=False):
    """A cell that looks at its memories, over one sequence `[time, features]`.

    What the cell gets beside its inputs makes them longer, and its kernel too, by the rows of `context_kernel`.
    `attentions` are functions of queries and a memory; they are asked with all queries so far, the last answer counts.
    """
    kernel, *others = cell_weights
    if "context_kernel" in w:
        kernel = np.concatenate([kernel, w["context_kernel"]])
    queries, outputs, weights = [], [], []
    fed = np.zeros(w["output_kernel"].shape[1] if feeding else 0)

    def look(query):
        queries.append(query)
        found = [attend(np.array(queries), memory) for attend, memory in zip(attentions, memories, strict=True)]
        weights.append([of_all[..., -1, :] for _, of_all in found])
        return np.concatenate([contexts[-1] for contexts, _ in found])

    for x in sequence:
        if before:
            context = look(states[0][0])
        longer = np.concatenate([x, context, fed]) if before else np.concatenate([x, fed])
        output, states = step([kernel, *others], longer[None], states)
        output = output[0]
        if not before:
            context = look(output)
        if "output_kernel" in w:
            output = np.tanh(np.concatenate([context, output]) @ w["output_kernel"])
        fed = output if feeding else fed
        outputs.append(output)
    return np.array(outputs), [np.array(of_one) for of_one in zip(*weights, strict=True)], states
