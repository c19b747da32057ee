import pytest
import torch
from safetensors.torch import save_file

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.icon_head import KIND, SHIPPED, IconHead, load_icon_head, save_icon_head
from svgfusion_lib.models.pretrained import name_encoder


def test_vectors_have_length_one_and_depend_on_where_a_token_stands():
    torch.manual_seed(0)
    head, tokens = IconHead("e", 4, 6, width=8).eval(), torch.randn(3, 4, 6)
    vectors = head(tokens)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(3))
    assert not torch.allclose(head(tokens.flip(1)), vectors)
    with pytest.raises(ValueError, match=r"\[B, 4, 6\]"):
        head(tokens[:, :3])


def test_tokens_are_standardised_first():
    torch.manual_seed(0)
    head, tokens = IconHead("e", 2, 3, width=4).eval(), torch.randn(5, 2, 3)
    before = head(tokens)
    head.mean.fill_(7.0)
    head.std.fill_(2.0)
    torch.testing.assert_close(head(tokens * 2 + 7), before)


def test_written_and_read_again(tmp_path):
    torch.manual_seed(0)
    head = IconHead("an encoder", 4, 6, width=8)
    path = save_icon_head(head, tmp_path / "head.safetensors")
    with pytest.raises(UserError, match="asks for the encoder 'an encoder', which is none of the embedded ones"):
        load_icon_head(path)
    name_encoder("an encoder")
    again = load_icon_head(path)
    assert again.pixel_encoder == "an encoder" and not again.training
    tokens = torch.randn(3, 4, 6)
    torch.testing.assert_close(again(tokens), head.eval()(tokens), atol=0.02, rtol=0.02)  # bf16


def test_realism_is_a_probability_that_is_written_and_read_again(tmp_path):
    torch.manual_seed(0)
    head, tokens = IconHead("minilm", 4, 6, width=8).eval(), torch.randn(3, 4, 6)
    assert head.log_realism(tokens).tolist() == [0, 0, 0]  # without a realism score, nothing is unreal
    layer = head.add_realism()
    expected = torch.sigmoid(layer(tokens.flatten(1))).squeeze(1)
    torch.testing.assert_close(head.log_realism(tokens).exp(), expected)
    again = load_icon_head(save_icon_head(head, tmp_path / "ranker.safetensors"))
    torch.testing.assert_close(again.log_realism(tokens), head.log_realism(tokens), atol=0.02, rtol=0.02)  # bf16
    assert load_icon_head().realism is None  # the evaluator judges only what is shown


@pytest.mark.parametrize(("metadata", "message"), [(None, "is not an icon head"), ({KIND: "e"}, "not a readable icon")])
def test_what_is_no_head_is_refused(tmp_path, metadata, message):
    save_file({"mean": torch.zeros(2, 3)}, tmp_path / "head.safetensors", metadata=metadata)
    with pytest.raises(UserError, match=message):
        load_icon_head(tmp_path / "head.safetensors")


def test_the_shipped_head_fits_the_default_encoder():
    head = load_icon_head()
    assert head.pixel_encoder == "efficientnet-lite0" and head.mean.shape == (16, 320)
    assert SHIPPED.stat().st_size < 1_500_000
