"""The gallery's requests and results; a request saved as a file or link draws the same icons elsewhere."""

import json
from dataclasses import asdict, dataclass, field

from svgfusion_lib.config import SamplingConfig
from svgfusion_lib.editing.morphing import animated_svg
from svgfusion_lib.errors import UserError
from svgfusion_lib.gallery.icons import Icon
from svgfusion_lib.icon_sets import IconSet
from svgfusion_lib.options import check_known, check_types

REQUEST_FILE = "request.json"


@dataclass(frozen=True)
class Request:
    """A request: `count` icons of a prompt (style: one of `Session.styles`, or None) from seed, seed + 1, ...

    weights: names of the models that drew it, with hashes of their weights.
    """

    prompt: str
    style: str | None = None
    count: int = 8
    seed: int = 0
    steps: int = SamplingConfig.num_inference_steps
    guidance: float = SamplingConfig.guidance_scale
    candidates: int = SamplingConfig.candidates  # per icon
    weights: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> SamplingConfig:
        return SamplingConfig(num_inference_steps=self.steps, guidance_scale=self.guidance, candidates=self.candidates)

    @property
    def seeds(self) -> list[int]:
        return [self.seed + k for k in range(self.count)]

    def to_json(self) -> str:
        """Serialise the request for `from_json`."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "Request":
        """Read the output of `to_json`; UserError for anything else."""
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"the request cannot be read: {error}") from error
        if not isinstance(values, dict) or "prompt" not in values:
            raise UserError("the file is not a gallery request: it has no prompt")
        for name in values:
            check_known(name, asdict(cls("")), "request: unknown field")
        check_types(values, cls, "request")
        return cls(**values)


@dataclass(frozen=True)
class Batch:
    """The icons of one action and its title.

    is_morph: whether they are the frames of a morph. note: what the models did not know. request: the request, if the
    icons were drawn from a prompt alone. icon_set: the set they belong to.
    """

    title: str
    icons: tuple[Icon, ...]
    is_morph: bool = False
    note: str = ""
    request: Request | None = None
    icon_set: IconSet | None = None

    @property
    def animation(self) -> str | None:
        """SVG text of a morph as it looks now, animated."""
        if not self.is_morph:
            return None
        return self.icons[0].look.sized(animated_svg([icon.picture for icon in self.icons]))
