"""Explains a drawing: which prompt words its parts attend to, names for its layers, and how it converges."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.corpus.captions import content_words
from svgfusion_lib.corpus.colours import COLOUR_WORDS
from svgfusion_lib.corpus.packs import strip_style
from svgfusion_lib.editing import decode_svg, encode_svg, layer_of_parts
from svgfusion_lib.editing.latents import box_channels
from svgfusion_lib.models.layers import Attention
from svgfusion_lib.models.text_encoder import TextEncoder
from svgfusion_lib.models.vsdit import VSDiT
from svgfusion_lib.pipeline import SVGFusionPipeline, check_prompts, tidy_drawing
from svgfusion_lib.pipeline_output import SVGImage
from svgfusion_lib.svg import row_format as rf
from svgfusion_lib.utils.diffusion import add_noise
from svgfusion_lib.utils.samplers import initial_noise
from svgfusion_lib.utils.tensorsvg import rows_to_svg

START, END = "(start)", "(end)"
PROBED_TIMESTEPS = (0.06, 0.2, 0.35, 0.5)  # timesteps that `layer_names` evaluates, as shares of all
MIN_SHARE = 0.7


@dataclass
class Chain:
    """One drawing, step by step: N parts (latents), W words.

    z [N, Z]: its latents; estimates [steps, N, Z]: the model's estimate of them at each step; attention
    [steps, blocks, N, W]: attention weights, each row sums to 1; words: as tokenised, including START and END;
    parts: SVG text of each part alone; svg: of the whole drawing.
    """

    z: Tensor
    estimates: Tensor
    attention: Tensor
    words: list[str]
    parts: list[str]
    svg: str

    def by_word(self) -> Tensor:
        """Attention weights [N, words in the prompt] without START and END, averaged over steps and blocks.

        Each row sums to 1.
        """
        inner = [k for k, word in enumerate(self.words) if word not in (START, END)]
        weights = self.attention.mean((0, 1))[:, inner]  # [N, W']
        return weights / weights.sum(-1, keepdim=True)


@torch.no_grad()
def watch(
    pipeline: SVGFusionPipeline, prompt: str, seed: int = 0, config: SamplingConfig | None = None,
    length: int | None = None, style: str | None = None,
) -> Chain:
    """Draw a prompt like `SVGFusionPipeline.sample` and record every step; length: number of parts."""
    check_prompts([prompt])
    config = config or SamplingConfig()
    text, condition = pipeline.resolve_prompt(prompt, style)
    context, mask = pipeline.encode_prompts([text])  # [1, S, C], [1, S]
    words, owners = words_of(pipeline.text_encoder, text)
    if length is None:
        (length,) = pipeline.draw_lengths(context, mask, [seed], config.length_temperature)
    estimates: list[Tensor] = []
    with cross_attention_recorded(pipeline.dit) as calls:
        z = pipeline.sample_latents(
            context, mask, [seed], length, config, lambda _, z0: estimates.append(z0[0].cpu()),
            pipeline.encode_styles([condition]),
        )[0]  # [N, Z]
    attention = _pool_by_word(calls, pipeline.dit.config.patch_size, length, owners)
    parts = [decode_svg(pipeline, z[k : k + 1], config) for k in range(length)]
    (rows,) = pipeline.decode_rows(z[None])
    svg = rows_to_svg(tidy_drawing(rows, config, condition), config.canvas)
    return Chain(z.cpu(), torch.stack(estimates), attention, words, parts, svg)


def _pool_by_word(calls: Sequence[Tensor], patch_size: int, length: int, owners: Sequence[int]) -> Tensor:
    """Recorded weights [blocks, B, H, K, S] -> [calls, blocks, N, W]: mean over heads, sum over each word's tokens.

    Uses the first sample of each call, the conditional one, without padding due to the null prompt.
    """
    tokens = torch.stack([call[:, 0].mean(1)[..., : len(owners)].cpu() for call in calls])  # [steps, blocks, K, S]
    tokens = tokens.repeat_interleave(patch_size, 2)[:, :, :length]  # [steps, blocks, N, S]
    return torch.zeros(*tokens.shape[:3], max(owners) + 1).index_add_(3, torch.tensor(owners), tokens)


@torch.no_grad()
def layer_names(pipeline: SVGFusionPipeline, svg: str, prompt: str, style: str | None = None) -> list[str]:
    """Name each layer after the prompt word it attends to most, as an id ("wheel-2"); "" if none is clear.

    The model is run once on the drawing at each of several low noise levels. A word is clear if it gets at least
    MIN_SHARE of a layer's attention to content words (colours excluded). Nothing is named if there is only one layer or
    one content word, which would name the whole.
    """
    text, condition = pipeline.resolve_prompt(prompt, style)
    words, owners = words_of(pipeline.text_encoder, text)
    layers = layer_of_parts(pipeline, svg)  # [N]
    names = [""] * int(layers.max())
    content = content_words(strip_style(text)) - COLOUR_WORDS
    candidates = [k for k, word in enumerate(words) if word.lower() in content and word.isascii() and word.isalpha()]
    if len(candidates) < 2 or len(names) < 2:
        return names
    z = pipeline.dit.normalize(encode_svg(pipeline, svg)[None])  # [1, N, Z]
    noise, _ = initial_noise([0], len(layers), z.shape[-1])  # [1, N, Z]
    denoise = pipeline.denoiser(
        *pipeline.encode_prompts([text]), SamplingConfig(guidance_scale=1), pipeline.encode_styles([condition])
    )
    with cross_attention_recorded(pipeline.dit) as calls:
        for share in PROBED_TIMESTEPS:
            t = int(share * pipeline.schedule.num_steps)
            denoise(add_noise(z, torch.tensor([t], device=z.device), pipeline.schedule, noise.to(z))[0], t)
    attention = _pool_by_word(calls, pipeline.dit.config.patch_size, len(layers), owners).mean((0, 1))  # [N, W]
    attention = attention[:, candidates]  # [N, W']
    for layer in layers.unique().tolist():
        weights = attention[layers == layer].mean(0)  # [W']
        word = words[candidates[int(weights.argmax())]].lower()
        reserved = word in ("layer", "gradient")  # ids used by the SVG writer
        if weights.max() >= MIN_SHARE * weights.sum() and not reserved:
            same = sum(name.rpartition("-")[0] == word or name == word for name in names)
            names[layer - 1] = f"{word}-{same + 1}" if same else word
    return names


def names_of_rows(pipeline: SVGFusionPipeline, rows: np.ndarray, prompt: str, style: str | None) -> list[str]:
    """`layer_names` of a drawing's rows [L, 22]; [] if it is empty or has more parts than the model can draw."""
    if not (rows[:, rf.ELEMENT] > rf.EOS).any() or not pipeline.can_draw(rows):
        return []
    return layer_names(pipeline, rows_to_svg(rows), prompt, style)


def with_names(svg: str, names: Sequence[str]) -> str:
    """Set layer names as ids in SVG text from our writer; unnamed layers stay `layer-3` and so on."""
    ids = {f'id="layer-{number}"': f'id="{name}"' for number, name in enumerate(names, start=1) if name}
    return re.sub(r'id="layer-\d+"', lambda found: ids.get(found[0], found[0]), svg)


def name_layers(pipeline: SVGFusionPipeline, image: SVGImage) -> SVGImage:
    """Return the pipeline's drawing with layers named after words of the prompt (`names_of_rows`)."""
    names = names_of_rows(pipeline.models[image.model], image.rows, image.drawn_for, image.style)
    return replace(image, svg=with_names(image.svg, names))


def words_of(encoder: TextEncoder, text: str) -> tuple[list[str], list[int]]:
    """Split a text into words with the encoder's tokenizer; also returns each token's word index."""
    encoding = encoder.tokenizer.encode(text)
    words: list[str] = []
    owners: list[int] = []
    last = None
    for number, (start, stop) in zip(encoding.word_ids, encoding.offsets, strict=True):
        if number is None:  # a special token
            words.append(END if owners else START)
        elif number != last:
            words.append(text[start:stop])
        else:
            words[-1] += text[start:stop]
        last = number
        owners.append(len(words) - 1)
    return words, owners


def settling(pipeline: SVGFusionPipeline, chains: Sequence[Chain]) -> dict[str, list[float]]:
    """Distance of the estimates to the final drawing at each step: for place and size of parts, and for shape.

    Root mean square difference over parts and channels, averaged over chains with equally many steps; 1 is the distance
    of the drawings' parts to the mean of all training latents. Layout "path" only.
    """
    explicit = torch.arange(pipeline.vae.latent_width) < pipeline.vae.explicit_width
    mean, deviation = pipeline.dit.latent_mean.cpu(), pipeline.dit.latent_std.cpu()  # [Z]
    result = {}
    for name, own in (("place and size", box_channels(pipeline).cpu()), ("shape", ~explicit)):
        spread = torch.cat([(chain.z - mean) / deviation for chain in chains])[:, own].square().mean()
        gaps = [((chain.estimates - chain.z) / deviation)[..., own].square().mean((1, 2)) for chain in chains]
        result[name] = (torch.stack(gaps).mean(0) / spread).sqrt().tolist()
    return result


def centres(pipeline: SVGFusionPipeline, chain: Chain) -> Tensor:
    """Estimated centre of each part at each step: [steps, N, 2], canvas from -1 to 1. Layout "path" only."""
    return chain.estimates[..., box_channels(pipeline).cpu()][..., :2]


# --- recording of cross-attention ---------------------------------------------------------------------


def attention_weights(attention: Attention, x: Tensor, key: Tensor, padding_mask: Tensor | None) -> Tensor:
    """softmax(q k / sqrt(D/H)) of x [B, K, D] and keys [B, H, S, D/H], padding_mask [B, S] -> [B, H, K, S].

    The weights that `Attention.attend` applies to the values, computed explicitly.
    """
    query = attention.to_query(x).unflatten(-1, (attention.heads, -1)).transpose(1, 2)  # [B, H, K, D/H]
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5  # [B, H, K, S]
    if padding_mask is not None:
        hidden = padding_mask & ~padding_mask.all(dim=-1, keepdim=True)  # [B, S]
        scores = scores.masked_fill(hidden[:, None, None], float("-inf"))
    return scores.softmax(-1)


@contextmanager
def cross_attention_recorded(dit: VSDiT) -> Iterator[list[Tensor]]:
    """Context manager: each model call appends the weights of all blocks [blocks, B, H, K, S] to the list.

    Implemented with hooks; the models themselves record nothing.
    """
    calls: list[Tensor] = []
    queries: dict[int, Tensor] = {}
    blocks: list[Tensor] = []

    def keep_query(number: int):
        def hook(_module, _inputs, output: Tensor) -> None:
            queries[number] = output  # [B, K, D]
        return hook

    def weigh(number: int):
        def hook(block, inputs, _output) -> None:
            *_, (key, _value), mask = inputs
            blocks.append(attention_weights(block.cross_attention, queries.pop(number), key, mask).detach())
            if number == len(dit.blocks) - 1:
                calls.append(torch.stack(blocks))
                blocks.clear()
        return hook

    handles = [
        handle for number, block in enumerate(dit.blocks) for handle in (
            block.get_submodule("norm_cross").register_forward_hook(keep_query(number)),
            block.register_forward_hook(weigh(number)),
        )
    ]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()
