"""Looking inside changes nothing and agrees with the model."""

import pytest
import torch
import torch.nn.functional as F
from small_models import SMALL, lively, some_ids

from tinyllm.files import TinyLLMError
from tinyllm.model import next_tokens, sequence_logprobs, trace

MODEL = lively()
IDS = some_ids(1, 15)


def test_the_last_layer_of_the_lens_is_the_model_itself():
    lens = trace(MODEL, IDS[0].tolist()).lens
    torch.testing.assert_close(lens[-1], MODEL(IDS)[0].log_softmax(-1), atol=1e-4, rtol=0)
    torch.testing.assert_close(lens.exp().sum(-1), torch.ones(4, 15))


def test_attention_looks_back_and_each_row_sums_to_one():
    attention = trace(MODEL, IDS[0].tolist()).attention
    assert attention.shape == (3, 4, 15, 15)
    torch.testing.assert_close(attention.sum(-1), torch.ones(3, 4, 15))
    assert not attention.triu(1).any()
    assert torch.equal(attention[:, :, 0, 0], torch.ones(3, 4))


@torch.no_grad()
def test_the_residual_stream_goes_from_the_embeddings_to_the_final_norm():
    residual = trace(MODEL, IDS[0].tolist()).residual
    assert torch.equal(residual[0], MODEL.model.embed_tokens(IDS)[0])
    torch.testing.assert_close(
        MODEL.model.norm(residual[-1]), MODEL.hidden(IDS)[0], atol=1e-5, rtol=1e-4
    )


def test_a_trace_is_float32_and_without_gradients_whatever_the_model():
    seen = trace(lively().bfloat16(), IDS[0].tolist())
    for tensor in vars(seen).values():
        assert tensor.dtype == torch.float32
        assert not tensor.requires_grad
    assert torch.is_grad_enabled()


def test_next_tokens_are_the_likeliest_in_order_with_their_probabilities():
    probabilities = MODEL(IDS)[0, -1].softmax(-1)
    found = next_tokens(MODEL, IDS[0].tolist(), k=10)
    order = probabilities.argsort(descending=True)[:10]
    assert [token for token, _ in found] == order.tolist()
    torch.testing.assert_close(
        torch.tensor([p for _, p in found]), probabilities[order].detach(), atol=1e-6, rtol=1e-4
    )
    everything = next_tokens(MODEL, IDS[0].tolist(), k=500)
    assert len(everything) == SMALL.vocab_size
    assert sum(probability for _, probability in everything) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("look", [next_tokens, trace])
def test_a_text_longer_than_the_context_or_empty_is_refused(look):
    with pytest.raises(TinyLLMError, match="70 tokens"):
        look(MODEL, [1] * 70)
    with pytest.raises(TinyLLMError, match="no tokens"):
        look(MODEL, [])


def test_the_log_probability_of_a_sequence_is_minus_its_cross_entropy():
    ids, answer = some_ids(3, 15), torch.rand(3, 15, generator=torch.manual_seed(0)) < 0.5
    answer[:, 0] = False
    logprobs, everything = sequence_logprobs(MODEL, ids, answer, full=True)
    entropy = F.cross_entropy(
        MODEL(ids)[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none"
    )  # (B,T-1)
    expected = torch.where(answer[:, 1:], -entropy, 0.0)
    torch.testing.assert_close(logprobs[:, 1:], expected, atol=1e-4, rtol=0)
    assert not logprobs[:, 0].any()
    assert everything.shape == (int(answer.sum()), 97)
    chosen = everything.gather(1, ids[answer][:, None])[:, 0]
    torch.testing.assert_close(logprobs[answer], chosen)
    torch.testing.assert_close(sequence_logprobs(MODEL, ids, answer), logprobs)


def test_tokens_behind_the_answer_change_nothing_and_get_no_gradient():
    ids, answer = some_ids(1, 10), torch.zeros(1, 10, dtype=torch.bool)
    answer[0, 3:6] = True
    changed = ids.clone()
    changed[0, 6:] = 1
    torch.testing.assert_close(
        sequence_logprobs(MODEL, ids, answer), sequence_logprobs(MODEL, changed, answer)
    )
    sequence_logprobs(MODEL, ids, answer).sum().backward()
    assert MODEL.output_weight.grad.abs().sum() > 0
    MODEL.zero_grad()


def test_an_answer_mask_that_cannot_be_is_refused():
    ids = some_ids(2, 5)
    with pytest.raises(ValueError, match="False in its first column"):
        sequence_logprobs(MODEL, ids, torch.ones(2, 5, dtype=torch.bool))
    with pytest.raises(ValueError, match="boolean answer_mask of shape"):
        sequence_logprobs(MODEL, ids, torch.ones(2, 5))
    with pytest.raises(ValueError, match="boolean answer_mask of shape"):
        sequence_logprobs(MODEL, ids, torch.zeros(2, 4, dtype=torch.bool))
