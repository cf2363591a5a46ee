"""Gradients that were written down equal those that autograd finds."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyllm.model.norm import rms_norm
from tinyllm.training import IGNORED
from tinyllm.training.cross_entropy import ROWS, cross_entropy, plain_cross_entropy


def with_gradients(function, *inputs):
    """The result, and the gradients of its weighted sum, for copies of the inputs."""
    leaves = [x.detach().clone().requires_grad_() for x in inputs]
    result = function(*leaves)
    weights = torch.linspace(0.5, 1.5, result.numel(), dtype=result.dtype).view(result.shape)
    gradients = torch.autograd.grad((result * weights).sum(), leaves)
    return (result.detach(), *gradients)


def places(count, tokens, seed=0, *, channels=16):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(count, channels, generator=generator)
    weight = torch.randn(tokens, channels, generator=generator)
    return hidden, weight, torch.randint(tokens, (count,), generator=generator)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 2 * ROWS + 3), st.integers(2, 70), st.integers(0, 9), st.data())
def test_the_loss_and_its_gradients_are_those_of_torchs_cross_entropy(count, tokens, seed, data):
    hidden, weight, targets = places(count, tokens, seed)
    masked = data.draw(st.integers(0, count - 1))
    targets[:masked] = IGNORED
    ours = with_gradients(lambda h, w: cross_entropy(h, w, targets), hidden, weight)
    theirs = with_gradients(lambda h, w: plain_cross_entropy(h, w, targets), hidden, weight)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_loss_in_bfloat16_is_as_near_to_float32_as_torchs():
    hidden, weight, targets = places(600, 512, channels=64)
    exact = with_gradients(lambda h, w: plain_cross_entropy(h, w, targets), hidden, weight / 8)

    def error(function):
        found = with_gradients(
            lambda h, w: function(h, w, targets), hidden.bfloat16(), (weight / 8).bfloat16()
        )
        return [float((a - b).norm() / b.norm()) for a, b in zip(found, exact, strict=True)]

    for ours, theirs in zip(error(cross_entropy), error(plain_cross_entropy), strict=True):
        assert ours < 1.2 * theirs + 1e-4


def test_a_target_that_is_all_but_impossible_has_its_true_loss():
    hidden, weight = torch.tensor([[1.0], [1.0]]), torch.tensor([[0.0], [200.0], [-300.0]])
    loss = cross_entropy(hidden, weight, torch.tensor([0, 2]))
    assert loss.item() == pytest.approx((200 + 500) / 2)
    assert cross_entropy(hidden[:1], weight, torch.tensor([1])).item() == 0.0


def test_hidden_states_that_are_not_numbers_make_a_loss_that_is_none():
    hidden, weight, targets = places(5, 7)
    hidden[2, 3] = math.nan
    assert math.isnan(cross_entropy(hidden, weight, targets).item())


def test_a_weight_that_does_not_learn_gets_no_gradient():
    hidden, weight, targets = places(5, 7)
    hidden.requires_grad_()
    cross_entropy(hidden, weight, targets).backward()
    assert hidden.grad is not None
    assert weight.grad is None


@pytest.mark.parametrize("shape", [(5, 16), (2, 3, 16), (2, 3, 4, 16)])
@pytest.mark.parametrize("with_gain", [True, False])
def test_the_norm_and_its_gradients_are_those_of_torch(shape, with_gain):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(shape, generator=generator, dtype=torch.float64)
    gain = torch.randn(16, generator=generator, dtype=torch.float64)
    inputs = (x, gain) if with_gain else (x,)
    ours = with_gradients(lambda x, gain=None: rms_norm(x, gain, 1e-6), *inputs)
    theirs = with_gradients(lambda x, gain=None: F.rms_norm(x, (16,), gain, 1e-6), *inputs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)


def test_the_norm_in_bfloat16_is_right_to_its_digits():
    x = torch.randn(40, 64, generator=torch.Generator().manual_seed(2))
    exact = with_gradients(lambda x: rms_norm(x, None, 1e-6), x)
    rounded = with_gradients(lambda x: rms_norm(x, None, 1e-6), x.bfloat16())
    for one, other in zip(rounded, exact, strict=True):
        assert float((one - other).norm() / other.norm()) < 2**-7
