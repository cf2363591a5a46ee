"""From records of votes to a reward for any answer, on features of real answers."""

import pytest
import torch

from tinyllm.alignment.anchor import Anchor
from tinyllm.alignment.answers import lay_out, read_answers
from tinyllm.alignment.features import LENGTHS, Features, last_sentence
from tinyllm.alignment.store import FeedbackStore
from tinyllm.alignment.thumb_reward import Grounds, ThumbReward, number_prompts
from tinyllm.model import ModelConfig, Transformer
from tinyllm.tokens import Tokenizer

TOKENIZER = Tokenizer.from_merges([])
PROMPTS = ["Hello", "Sing", "Who has it?"]


@pytest.fixture(scope="module")
def reference():
    config = ModelConfig(vocab_size=TOKENIZER.vocab_size, hidden_size=32, intermediate_size=48,
                         num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
                         head_dim=16, max_position_embeddings=64)  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    model = Transformer(config, generator=generator)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def anchor(reference):
    """Six answers to each prompt, as a chat model might have given them."""
    said = ["the fox sleeps", "a fox!", "no fox here", "the bear sings", "bears sing well", "why?"]
    prompts, _ = number_prompts(TOKENIZER, PROMPTS, longest=40)
    answers = lay_out(
        [prompt for prompt in prompts for _ in said],
        [[*TOKENIZER.encode(text), TOKENIZER.end] for _ in prompts for text in said],
        which=[number for number in range(3) for _ in said],
        pad=TOKENIZER.pad,
        end=TOKENIZER.end,
    )
    reading = read_answers(reference, answers)
    return Anchor(prompts=prompts, answers=answers, reading=reading)


def thumb_reward(store, reference, anchor, base=None, only=None):
    numbers = {prompt: number for number, prompt in enumerate(PROMPTS)}
    grounds = Grounds(records=store.valid(), reference=reference, tokenizer=TOKENIZER,
                      anchor=anchor, numbers=numbers, base=base)  # fmt: skip
    return ThumbReward(grounds, only=only)


def judge(reward, reference, texts, which):
    """The mean reward of texts as answers to the prompts of these numbers."""
    encoded, _ = number_prompts(TOKENIZER, PROMPTS, longest=40)
    answers = lay_out(
        [encoded[number] for number in which],
        [[*TOKENIZER.encode(text), TOKENIZER.end] for text in texts],
        which=which,
        pad=TOKENIZER.pad,
        end=TOKENIZER.end,
    )
    return reward(answers, read_answers(reference, answers)).tolist()


def test_features_are_measured_from_what_is_usual_for_prompts_of_the_kind(reference, anchor):
    features = Features(TOKENIZER, anchor, base=lambda answers, _: answers.lengths.float())
    rows = features(anchor.answers, anchor.reading)
    assert rows.shape == (18, len(features.names)) == (18, len(features.prices))
    for name in ("base reward", "length", "exclaims", "word fox", "last word bear"):
        assert name in features.names, name
    kept = [n for n, name in enumerate(features.names) if name != "unusual length"]
    assert rows[:, kept].mean(0).abs().max() < 1e-6, "three prompts are of one kind"
    assert rows[:, kept].std(0, correction=0).max() < 1.001
    length = rows[:, features.names.index("length")]
    torch.testing.assert_close(
        rows[:, features.names.index("unusual length")], length.clamp(-3, 3) ** 2 - 1
    )


def test_answers_that_the_anchor_holds_are_described_as_others_are(reference, anchor):
    features = Features(TOKENIZER, anchor)
    some = torch.tensor([4, 7, 2])
    answers = anchor.answers.take(some)
    torch.testing.assert_close(
        features(answers, read_answers(reference, answers)),
        features(anchor.answers, anchor.reading)[some],
        atol=1e-4,
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    ("text", "last"),
    [
        ("One. Two.", "Two."),
        ("She ran. “Why?” he asked.", "“Why?” he asked."),
        ('He said "Go!" and went.', 'He said "Go!" and went.'),
        ("no stop at all", "no stop at all"),
        ("", ""),
    ],
)
def test_the_last_sentence_begins_after_the_one_before(text, last):
    assert last_sentence(text) == last


def test_a_head_that_may_see_the_length_alone_learns_nothing_else(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number, prompt in enumerate(PROMPTS * 3):
        store.add_thumb(prompt, f"the bear sings {number}", 1)
        store.add_thumb(prompt, f"the fox sings {number} ", -1)
    reward = thumb_reward(store, reference, anchor, only=LENGTHS)
    assert reward.features.names == list(LENGTHS)
    bear, fox = judge(reward, reference, ["a bear", "six ox"], [1, 1])
    assert bear == pytest.approx(fox)
    with pytest.raises(ValueError, match=r"got \['colour'\]"):
        thumb_reward(store, reference, anchor, only=["colour"])
    store.close()


def test_a_liking_for_bears_is_learned_and_named(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number, prompt in enumerate(PROMPTS * 3):
        store.add_thumb(prompt, f"the bear sings {number}", 1)
        store.add_thumb(prompt, f"the fox sleeps {number}", -1)
    reward = thumb_reward(store, reference, anchor)
    store.close()
    liked, other = judge(reward, reference, ["a bear swims", "a fox swims"], [1, 1])
    assert liked > other + 0.5, "log P(thumb up)"
    named = {name: pull for name, likely, pull in reward.learned(6) if likely > 0.05}
    assert any("bear" in name and pull > 0 for name, pull in named.items()) or any(
        "fox" in name and pull < 0 for name, pull in named.items()
    )


def test_prompts_that_please_say_nothing_about_words(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number in range(8):  # the same answers are liked after one prompt and not after another
        store.add_thumb("Hello", f"the fox sleeps {number}", 1)
        store.add_thumb("Sing", f"the fox sleeps {number}", -1)
    reward = thumb_reward(store, reference, anchor)
    store.close()
    words = ["word" in name for name in reward.features.names]
    assert reward.told.likely[words].max() < 0.1
    assert reward.told.pull[words].abs().max() < 0.01


def test_pairs_and_edits_teach_as_thumbs_do_whichever_side_they_stood_on(
    reference, anchor, tmp_path
):
    store = FeedbackStore(tmp_path / "feedback.db")
    for number, prompt in enumerate(PROMPTS * 2):
        store.add_pair(prompt, f"the bear sings {number}", f"the fox sleeps {number}", "a")
        store.add_pair(prompt, f"no fox {number}", f"bears sing {number}", "b", shown="ba")
        store.add_pair(prompt, f"a fox {number}", f"a bear {number}", "tie")
        store.add_edit(prompt, f"the fox sleeps on {number}", f"the bear sings on {number}")
    reward = thumb_reward(store, reference, anchor)
    store.close()
    assert len(reward.votes) == 18  # ties are silent
    assert reward.votes.up.tolist().count(1.0) == 6
    liked, other = judge(reward, reference, ["a bear swims", "a fox swims"], [0, 0])
    assert liked > other


def test_without_votes_the_base_reward_model_speaks(reference, anchor, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.db")
    reward = thumb_reward(store, reference, anchor, base=lambda a, _: a.answer_lengths.float())
    store.close()
    long, short = reward(anchor.answers, anchor.reading)[torch.tensor([0, 5])].tolist()
    assert long > short
