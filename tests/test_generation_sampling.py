"""Drawing a token: the right tokens, with the right probabilities."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import lively
from transformers import TopKLogitsWarper, TopPLogitsWarper

from tinyllm.model import generate
from tinyllm.model.sampling import Sampling, draw, uniform_stream

LARGEST = 1 - 2.0**-23
"""The largest number that `uniform_stream` gives."""

scores = st.lists(st.floats(-8, 8, width=32), min_size=1, max_size=40)


def counts_over_a_fine_grid(sampling, logits, points=4000):
    uniforms = (torch.arange(points) + 0.5) / points
    chosen = sampling.choose(logits.expand(points, -1), uniforms)
    return torch.bincount(chosen, minlength=logits.shape[-1]) / points


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_a_token_is_chosen_as_often_as_its_probability_says(temperature):
    logits = torch.randn(1, 30, generator=torch.Generator().manual_seed(0))
    found = counts_over_a_fine_grid(Sampling(temperature=temperature), logits)
    expected = (logits[0] / temperature).softmax(-1)
    torch.testing.assert_close(found, expected, atol=1 / 2000, rtol=0)


@pytest.mark.parametrize(("top_k", "top_p"), [(5, None), (None, 0.6), (8, 0.7), (1, None), (99, 1)])
def test_top_k_and_top_p_keep_what_transformers_keeps(top_k, top_p):
    logits = torch.randn(1, 30, generator=torch.Generator().manual_seed(1))
    kept = logits
    if top_k:
        kept = TopKLogitsWarper(top_k)(None, kept)
    if top_p:
        kept = TopPLogitsWarper(float(top_p))(None, kept)
    found = counts_over_a_fine_grid(Sampling(top_k=top_k, top_p=top_p), logits)
    torch.testing.assert_close(found, kept[0].softmax(-1), atol=1 / 2000, rtol=0)


@given(scores, st.floats(0, LARGEST), st.floats(0.01, 4), st.integers(1, 5), st.floats(0.01, 1))
@settings(max_examples=60, deadline=None)
def test_a_choice_is_always_a_token_and_among_the_best_k(values, uniform, temperature, k, p):
    logits, uniforms = torch.tensor([values]), torch.tensor([uniform])
    sampling = Sampling(temperature=temperature, top_k=k, top_p=p)
    chosen = int(sampling.choose(logits, uniforms))
    assert sum(value > values[chosen] for value in values) < k


@given(scores, st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_what_has_no_weight_is_never_drawn(values, seed):
    weights = torch.tensor([values]).relu() + torch.eye(len(values))[seed % len(values)]
    for uniform in (0.0, float(uniform_stream(seed, 0, 1)), LARGEST):
        assert weights[0, int(draw(weights, torch.tensor([uniform])))] > 0


@pytest.mark.parametrize("temperature", [0.0, 1e-9, 1e-5])
def test_temperature_0_and_next_to_it_take_the_likeliest(temperature):
    logits = torch.tensor([[1.0, 3.0, 2.9], [-5.0, -6.0, -80.0]])
    chosen = Sampling(temperature=temperature).choose(logits, torch.tensor([0.99, 0.99]))
    assert chosen.tolist() == [1, 0]


@pytest.mark.parametrize(
    "sampling", [Sampling(), Sampling(temperature=0.6), Sampling(top_k=4), Sampling(temperature=0)]
)
def test_chances_that_are_at_hand_change_no_choice(sampling):
    generator = torch.Generator().manual_seed(2)
    logits, uniforms = (
        torch.randn(200, 30, generator=generator),
        torch.rand(200, generator=generator),
    )
    expected = sampling.choose(logits, uniforms)
    assert torch.equal(sampling.choose(logits, uniforms, logits.softmax(-1)), expected)
    others = Sampling().choose(logits, uniforms, torch.eye(30)[[7] * 200])
    assert others.tolist() == [7] * 200, "at temperature 1 they are what is drawn from"


def test_a_token_too_unlikely_for_a_number_still_has_a_log_probability():
    model = lively()
    with torch.no_grad():
        model.model.norm.weight.mul_(100)  # scores hundreds of nats apart
    made = generate(model, [[1, 2]], max_new_tokens=30, temperature=1e4)
    scores = model(torch.tensor([[1, 2, *made.ids[0]]]))[0].double().log_softmax(-1)
    expected = scores[1:-1].gather(1, torch.tensor(made.ids[0])[:, None])[:, 0].tolist()
    assert made.logprobs[0] == pytest.approx(expected, rel=1e-4)
    assert min(expected) < -200, "e^-104 is the least that float32 holds"


def test_the_streams_of_rows_are_uniform_and_independent():
    numbers = torch.stack([uniform_stream(3, row, 2000) for row in range(20)])
    assert 0 <= numbers.min() < 0.001
    assert 0.999 < numbers.max() <= LARGEST
    assert numbers.mean().item() == pytest.approx(0.5, abs=0.01)
    correlations = torch.corrcoef(numbers) - torch.eye(20)
    assert correlations.abs().max() < 0.1


def test_any_whole_number_is_a_seed():
    assert not torch.equal(uniform_stream(-1, 0, 4), uniform_stream(1, 0, 4))
    assert uniform_stream(10**30, 0, 4).shape == (4,)
