"""What a model writes: the same alone or beside others, and exactly as likely as the model says."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import SMALL, lively, some_ids

from tinyllm.files import TinyLLMError
from tinyllm.model import Token, generate, stream

MODEL = lively()
PROMPTS = [some_ids(1, length, seed=length)[0].tolist() for length in (3, 9, 5, 9, 1)]


def written(prompts=PROMPTS, **settings):
    return generate(MODEL, prompts, **{"max_new_tokens": 12, **settings})


def test_the_same_seed_gives_the_same_text_and_another_seed_another():
    assert written(seed=3) == written(seed=3)
    assert written(seed=3).ids != written(seed=4).ids


def test_no_global_generator_is_touched():
    before = torch.get_rng_state()
    written()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_text_does_not_depend_on_the_texts_beside_it():
    together = written()
    assert written(PROMPTS[:2]).ids == together.ids[:2]
    assert written(rows_at_once=1).ids == together.ids
    assert written(rows_at_once=2).ids == together.ids


def test_samples_of_a_prompt_are_the_prompt_repeated():
    repeated = [prompt for prompt in PROMPTS for _ in range(3)]
    assert written(num_samples=3).ids == written(repeated).ids
    assert len({tuple(ids) for ids in written(PROMPTS[:1], num_samples=8).ids}) == 8


def test_seed_and_row_are_not_confused():
    first = written(PROMPTS[:1], num_samples=2, seed=0).ids
    second = written(PROMPTS[:1], num_samples=2, seed=1).ids
    assert len({tuple(ids) for ids in first + second}) == 4


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0, 1.7])
@torch.no_grad()
def test_log_probabilities_are_those_of_the_full_pass_at_temperature_1(temperature):
    made = written(temperature=temperature, top_k=20, stop={1, 2, 3})
    for prompt, ids, logprobs in zip(PROMPTS, made.ids, made.logprobs, strict=True):
        scores = MODEL(torch.tensor([prompt + ids]))[0].log_softmax(-1)
        full = scores[len(prompt) - 1 : -1].gather(1, torch.tensor(ids)[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(logprobs), full, atol=1e-4, rtol=0)


@torch.no_grad()
def test_temperature_0_takes_the_likeliest_token_every_time():
    made = written(temperature=0)
    for prompt, ids in zip(PROMPTS, made.ids, strict=True):
        best = MODEL(torch.tensor([prompt + ids]))[0].argmax(-1)
        assert ids == best[len(prompt) - 1 : -1].tolist()


def test_a_text_ends_with_the_stop_token_and_says_so():
    free = written(max_new_tokens=20)
    stop = {free.ids[1][4], free.ids[3][7]}
    made = written(max_new_tokens=20, stop=stop)
    for ids, whole, reason in zip(made.ids, free.ids, made.finish_reasons, strict=True):
        stops = [place for place, token in enumerate(whole) if token in stop]
        assert ids == (whole[: stops[0] + 1] if stops else whole)
        assert reason == ("stop" if stops else "length")
    assert {"stop", "length"} == set(made.finish_reasons)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 96), max_size=40), st.integers(0, 5), st.integers(1, 4))
def test_rows_that_leave_do_not_disturb_the_others(stops, seed, samples):
    free = written(num_samples=samples, seed=seed)
    made = written(num_samples=samples, seed=seed, stop=set(stops))
    for ids, whole in zip(made.ids, free.ids, strict=True):
        ends = [place for place, token in enumerate(whole) if token in stops]
        assert ids == whole[: (ends or [len(whole)])[0] + 1]


def test_a_text_ends_where_the_context_ends():
    made = written([PROMPTS[0], some_ids(1, 60)[0].tolist()], max_new_tokens=500)
    assert [len(ids) for ids in made.ids] == [61, 4]
    assert made.finish_reasons == ["length", "length"]


def test_a_prompt_that_fills_the_context_gets_an_empty_continuation():
    made = written([some_ids(1, 64)[0].tolist()])
    assert (made.ids, made.finish_reasons) == ([[]], ["length"])
    assert list(stream(MODEL, some_ids(1, 64)[0].tolist(), max_new_tokens=3)) == []


def test_no_prompts_give_no_texts():
    assert written([]).ids == []


def test_a_stream_gives_the_tokens_of_generate_one_by_one():
    made = written(PROMPTS[:1], seed=5, temperature=0.8, top_p=0.9)
    tokens = stream(MODEL, PROMPTS[0], max_new_tokens=12, seed=5, temperature=0.8, top_p=0.9)
    first = next(tokens)
    assert first == Token(made.ids[0][0], made.logprobs[0][0])
    assert [first.id, *(token.id for token in tokens)] == made.ids[0]


def test_a_stream_ends_after_its_stop_token():
    free = [token.id for token in stream(MODEL, [5], max_new_tokens=12)]
    ended = [token.id for token in stream(MODEL, [5], max_new_tokens=12, stop=free[3])]
    assert ended == free[: free.index(free[3]) + 1]


def test_gradients_stay_on_around_a_stream_that_is_closed_early():
    tokens = stream(MODEL, [5], max_new_tokens=12)
    next(tokens)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    tokens.close()
    MODEL(some_ids(1, 4)).sum().backward()
    MODEL.zero_grad()


def test_gradients_stay_on_after_an_error():
    broken = lively()
    with torch.no_grad():
        broken.model.norm.weight.fill_(float("nan"))
    with pytest.raises(TinyLLMError, match="scores are not numbers"):
        generate(broken, PROMPTS, max_new_tokens=3)
    assert torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()


def test_a_bfloat16_model_writes_too():
    made = generate(lively().bfloat16(), PROMPTS, max_new_tokens=5, num_samples=2)
    assert [len(ids) for ids in made.ids] == [5] * 10


def test_a_prompt_longer_than_the_context_says_how_many_came_and_fit():
    with pytest.raises(TinyLLMError, match=r"prompt has 70 tokens .* reads at most 64"):
        written([[1] * 70])
    with pytest.raises(TinyLLMError, match=r"prompt has 70 tokens .* reads at most 64"):
        next(stream(MODEL, [1] * 70, max_new_tokens=1))


def test_an_empty_prompt_says_what_to_pass():
    with pytest.raises(TinyLLMError, match=r"no tokens.*end_of_text"):
        written([[]])


@pytest.mark.parametrize("token", [-1, SMALL.vocab_size])
def test_a_token_that_the_model_does_not_know_is_refused(token):
    with pytest.raises(TinyLLMError, match="this model knows tokens 0 to 96"):
        written([[3, token]])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": -0.1}, "temperature must be a number from 0 up, got -0.1"),
        ({"temperature": float("nan")}, "temperature must be a number from 0 up, got nan"),
        ({"top_k": 0}, "top_k must be at least 1, got 0"),
        ({"top_p": 0.0}, "top_p must be above 0 and at most 1, got 0.0"),
        ({"top_p": 1.5}, "top_p must be above 0 and at most 1, got 1.5"),
        ({"max_new_tokens": 0}, "must be at least 1, got 0, 1 and 128"),
    ],
)
def test_settings_without_sense_are_refused_in_plain_words(settings, words):
    with pytest.raises(TinyLLMError, match=words):
        written(**settings)
