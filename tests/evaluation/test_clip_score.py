"""CLIPScore by a small random CLIP that loads as a published one would."""

import numpy as np
import pytest
import torch

from svgfusion_lib.errors import UserError
from svgfusion_lib.evaluation.clip_score import load_clip


@pytest.fixture(scope="module")
def clip(clip_folder):
    return load_clip(str(clip_folder))


def test_a_score_is_the_cosine_that_transformers_finds(clip):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    texts = ["cat", "a cat, a cat", "dog"]
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (
        (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711),
    ))
    pixels = (torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std
    tokens = clip.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        output = clip.model(tokens["input_ids"], pixels, tokens["attention_mask"])
    cosines = (output.image_embeds * output.text_embeds).sum(1).numpy()
    assert len({round(float(c), 3) for c in cosines}) > 1
    np.testing.assert_allclose(clip.scores(images, texts), 100 * cosines.clip(min=0), atol=1e-3)


def test_long_texts_are_cut_and_counts_must_agree(clip):
    image = np.zeros((1, 40, 40, 3), dtype=np.uint8)
    assert np.isfinite(clip.scores(image, ["cat " * 500])).all()
    with pytest.raises(ValueError, match="got 1 pictures and 2 texts"):
        clip.scores(image, ["cat", "dog"])


def test_what_is_no_clip_model_is_refused(tmp_path):
    from transformers import BertConfig

    BertConfig().save_pretrained(tmp_path / "bert")
    with pytest.raises(UserError, match="is a bert model"):
        load_clip(str(tmp_path / "bert"))
    with pytest.raises(UserError, match="there is no such folder"):
        load_clip(str(tmp_path / "none"))
