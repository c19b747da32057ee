"""How well a picture fits a text, by a CLIP model of the user's: CLIPScore (Hessel et al. 2021)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from svgfusion_lib.errors import UserError
from svgfusion_lib.models.pixel_encoder import PixelEncoder
from svgfusion_lib.models.pretrained import load_config, load_hub, load_model

# What CLIP was trained with (Radford et al. 2021, as its published preprocessing says), of pixel values 0..1.
CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
BATCH_SIZE = 32  # texts


class ClipScorer:
    """A frozen CLIP model: texts and pictures as unit vectors [N, D] in one space."""

    def __init__(self, name: str, model: Any, tokenizer):
        self.name, self.model, self.tokenizer = name, model, tokenizer
        self.images = PixelEncoder(
            name, _ImageVectors(model), model.config.vision_config.image_size,
            mean=[255 * m for m in CLIP_MEAN], std=[255 * s for s in CLIP_STD],
        )

    def scores(self, images: np.ndarray, texts: Sequence[str]) -> np.ndarray:
        """100 max(cos, 0) of each of N pictures uint8 [N, H, H, 3] and the text beside it -> [N].

        Equation 1 of the paper with w = 100, as the field's libraries have it.
        """
        if len(images) != len(texts):
            raise ValueError(f"one text for each picture: got {len(images)} pictures and {len(texts)} texts")
        pictures = F.normalize(self.images.encode(images)[:, 0], dim=-1)  # [N, D]
        return 100 * (pictures * self.text_vectors(texts)).sum(1).clamp(min=0).numpy()

    @torch.inference_mode()
    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """[N, D], each of length 1; longer texts than the model reads are cut."""
        device = next(self.model.parameters()).device
        vectors = []
        for start in range(0, len(texts), BATCH_SIZE):
            tokens = self.tokenizer(
                list(texts[start : start + BATCH_SIZE]), padding=True, truncation=True, return_tensors="pt",
                max_length=self.model.config.text_config.max_position_embeddings,
            ).to(device)
            pooled = self.model.text_model(tokens["input_ids"], tokens["attention_mask"]).pooler_output
            vectors.append(self.model.text_projection(pooled))  # [b, D]
        return F.normalize(torch.cat(vectors), dim=-1).cpu()


class _ImageVectors(nn.Module):
    """The image tower as a pixel encoder of one token: [b, 3, S, S] -> [b, 1, D]."""

    def __init__(self, model: Any):
        super().__init__()
        self.model: Any = model

    def forward(self, x: Tensor) -> Tensor:
        return self.model.visual_projection(self.model.vision_model(pixel_values=x).pooler_output)[:, None]


def load_clip(name: str, device: str | torch.device = "cpu") -> ClipScorer:
    """A CLIP model by hub name or local folder; UserError if it is none or cannot be loaded."""
    from transformers import AutoTokenizer, CLIPModel

    config = load_config(name, "CLIP")
    if config.model_type != "clip":
        raise UserError(f"CLIP {name!r} is a {config.model_type} model: name a CLIP model, both towers of it")
    model = load_model(CLIPModel, name, "CLIP").to(device)
    return ClipScorer(name, model, load_hub(AutoTokenizer.from_pretrained, name, "CLIP"))
