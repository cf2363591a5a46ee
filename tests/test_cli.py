"""The command line keeps its contract: exit codes, JSON alone on standard output, clear words."""

import io
import json
import sys

import pytest

from tinyllm import cli
from tinyllm.model import ModelConfig, Transformer, save_model
from tinyllm.tokens import Tokenizer


@pytest.fixture
def tmp_home(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYLLM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(capsys, *arguments):
    code = cli.run_command(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["train", "--minutes", "soon"],
        ["train", "--minutes", "-1"],
        ["train", "--size", "nano"],
        ["train", "--steps", "3"],
        ["train", "--size", "nano", "--steps", "3", "--minutes", "1"],
        ["train", "--size", "gpt2-small", "--minutes", "1"],
        ["train", "--size", "gigantic", "--steps", "3"],
        ["align", "--minutes", "nan"],
        ["feedback", "add", "--prompt", " ", "--completion", "c", "--thumb", "up"],
        ["train", "--until", "perfection"],
        ["train", "--run", "a/b"],
        ["train", "--from", "no/such/folder"],
        ["train", "--from", "ftp://example.org/"],
        ["train", "--from", "https://me:secret@example.org/"],
        ["train", "--from", "gutenberg:Alice"],
        ["train", "--from", "hf:"],
        ["train", "--villager", "Mina flies to the moon."],
        ["village", "--dial", "medium"],
        ["village", "--villager", "Mina keeps bees.", "--kind", "story"],
        ["village", "--kind", "spam"],
        ["village", "--documents", "1", "--megabytes", "1"],
        ["generate"],
        ["generate", "x", "--samples", "0"],
        ["generate", "x", "--top-p", "7"],
        ["generate", "x", "--temperature", "-1"],
        ["apps", "--no-browser", "--apps-port", "99999"],
        ["align", "--method", "best"],
        ["feedback", "add", "--prompt", "p", "--completion", "c", "--thumb", "sideways"],
        ["passport"],
        ["bench", "pretrain", "--nanogpt", "x"],
        ["bench", "generate", "--llama2c", "x"],
        ["bench", "generate", "--run", "mine", "--model", "x"],
        ["bench", "taste", "--folder", "x", "--condition", "luck"],
        ["bench", "align", "--model", "x", "--method", "luck"],
    ],
    ids=" ".join,
)
def test_what_cannot_be_carried_out_as_written_ends_with_code_2_and_a_sentence(
    capsys, tmp_home, arguments
):
    code, out, err = run(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert err.startswith("tinyllm: ")
    assert "Traceback" not in err


def test_generating_without_a_model_ends_with_code_1_and_says_how_to_get_one(capsys, tmp_home):
    code, out, err = run(capsys, "generate", "The sky is")
    assert (code, out) == (1, "")
    assert "tinyllm train" in err


def test_aligning_a_run_that_is_not_there_leaves_no_folder(capsys, tmp_home):
    code, out, err = run(capsys, "align", "--run", "mistyped")
    assert (code, out) == (1, "")
    assert "Run mistyped has no chat model yet" in err
    assert not (tmp_home / "runs" / "mistyped").exists()


def test_a_message_that_is_too_long_does_not_end_the_talk(capsys, tmp_path, monkeypatch):
    config = ModelConfig(vocab_size=261, num_hidden_layers=1, max_position_embeddings=32)
    tokenizer = Tokenizer.from_merges([])
    save_model(Transformer(config), tokenizer, tmp_path / "model", eos=tokenizer.end, stage="chat")
    typed = iter(["x" * 100, "hello", ""])
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    code, out, err = run(capsys, "chat", "--stage", str(tmp_path / "model"))
    assert code == 0
    assert "this model reads at most 32" in err
    assert next(typed, None) is None
    assert out.strip()


def test_the_village_prints_json_lines_with_the_fields_of_the_contract(capsys):
    code, out, _ = run(capsys, "village", "--documents", "5", "--seed", "3")
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert len(lines) == 5
    assert all({"text", "kind", "seed", "bits", "labels"} <= line.keys() for line in lines)
    assert run(capsys, "village", "--documents", "5", "--seed", "3")[1] == out
    assert run(capsys, "village", "--documents", "5", "--seed", "4")[1] != out


def test_the_village_stops_after_the_megabytes_asked_for(capsys):
    _, out, _ = run(capsys, "village", "--megabytes", "0.02")
    sizes = [len(json.loads(line)["text"].encode()) for line in out.splitlines()]
    assert sum(sizes) >= 20_000 > sum(sizes[:-1])


def test_instructions_carry_a_prompt_and_an_answer_among_their_labels(capsys):
    _, out, _ = run(capsys, "village", "--kind", "instruction", "--documents", "4")
    for line in out.splitlines():
        assert {"prompt", "answer"} <= json.loads(line)["labels"].keys()


def test_status_of_an_empty_home_is_one_json_object(capsys, tmp_home):
    code, out, _ = run(capsys, "status", "--json")
    values = json.loads(out)
    assert code == 0
    assert values["runs"] == []
    assert values["home"] == str(tmp_home)


def test_feedback_is_added_listed_exported_and_deleted(capsys, tmp_home):
    add = ("feedback", "add", "--prompt", "Hello", "--completion", "Hello, Nell!")
    assert run(capsys, *add, "--thumb", "up")[0] == 0
    record = json.loads(run(capsys, "feedback", "list", "--json")[1])
    assert record["prompt"] == "Hello"
    assert json.loads(run(capsys, "feedback", "stats", "--json")[1])["up"] == 1
    exported = json.loads(run(capsys, "feedback", "export")[1])
    assert exported == {"prompt": "Hello", "completion": "Hello, Nell!", "label": True}
    assert run(capsys, "feedback", "delete", record["id"])[0] == 0
    assert run(capsys, "feedback", "list", "--json")[1] == ""


def test_a_bad_line_of_an_import_is_named_and_nothing_is_imported(capsys, tmp_home, tmp_path):
    path = tmp_path / "votes.jsonl"
    good = json.dumps({"prompt": "p", "completion": "c", "label": True})
    path.write_text(f"{good}\n{{}}\n", encoding="utf-8")
    code, _, err = run(capsys, "feedback", "import", str(path))
    assert code == 1
    assert "line 2" in err.lower()
    assert run(capsys, "feedback", "list")[1] == ""


def test_ctrl_c_ends_with_code_130(capsys, tmp_home, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("tinyllm.line.train_line", interrupted)
    code, out, err = run(capsys, "train")
    assert (code, out) == (130, "")
    assert "kept" in err


def test_a_first_training_that_made_nothing_binds_the_run_to_nothing(capsys, tmp_home, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = run(capsys, "train", "--from", str(tmp_path / "empty"))
    assert code == 1
    assert "the folder is empty" in err
    small = ("train", "--size", "nano", "--steps", "2", "--until", "corpus")
    assert run(capsys, *small)[0] == 0
    code, _, err = run(capsys, "train", "--from", str(tmp_path / "empty"))
    assert code == 2
    assert "was begun with sources village" in err


def test_a_source_that_does_not_exist_is_named_also_where_the_run_has_another(capsys, tmp_home):
    assert run(capsys, "train", "--minutes", "0.1", "--until", "corpus")[0] == 0
    code, _, err = run(capsys, "train", "--from", "no/such/folder")
    assert code == 2
    assert "`--from` takes `village`" in err


def test_bytes_that_are_no_utf_8_become_text_in_the_feedback(capsys, tmp_home):
    add = ("feedback", "add", "--prompt", "caf\udce9", "--completion", "\ud800", "--thumb", "up")
    assert run(capsys, *add)[0] == 0
    record = json.loads(run(capsys, "feedback", "list", "--json")[1])
    assert (record["prompt"], record["answer"]["text"]) == ("caf\ufffd", "\ufffd")


def test_a_disk_that_fails_is_a_sentence(capsys, tmp_home, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "/disk/x")

    monkeypatch.setattr("tinyllm.line.train_line", full)
    code, out, err = run(capsys, "train")
    assert (code, out) == (1, "")
    assert err.startswith("tinyllm: No space left on device (/disk/x).")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_json_is_whole_whatever_the_terminal_can_write(monkeypatch, encoding):
    written = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", written)
    cli.print_json({"completion": "half \ufffd"})
    written.seek(0)
    assert json.loads(written.read()) == {"completion": "half \ufffd"}
