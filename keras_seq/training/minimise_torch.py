"""One step of training on PyTorch."""

import torch


def minimise(model, forward):
    """Update the model's weights once, by the gradient of `forward() -> (loss, further results)`; return both."""
    model.zero_grad()
    loss, further = forward()
    model.optimizer.scale_loss(loss).backward()
    weights = model.trainable_weights
    with torch.no_grad():
        model.optimizer.apply([weight.value.grad for weight in weights], weights)
    return loss.detach(), further
