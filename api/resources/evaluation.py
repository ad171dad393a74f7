"""How LLMs do, for operators: measures, and experiments."""

from typing import Any

from falcon.asgi import Request, Response

from api.schemas.evaluation import ExperimentSchema, PerformanceSchema
from jobs import evaluation
from models.evaluation import Experiment
from models.kernel.clock import Clock


class Performances:
    """The measures of this installation's calls."""

    def on_get(self, req: Request, resp: Response) -> None:
        """Show how every LLM did."""
        found = evaluation.performance(req.context.query["days"])
        shown = [
            {
                "vendor": each.vendor,
                "llm": each.llm,
                "measures": each.measures,
                "rating": each.rating,
                "days": [{"day": day, "measures": measures} for day, measures in each.days],
            }
            for each in found
        ]
        resp.media = {"data": PerformanceSchema(many=True).dump(shown)}


class Experiments:
    """Comparisons of two LLMs."""

    def __init__(self, clock: Clock) -> None:
        """Take the time: an experiment has a beginning and an end."""
        self._clock = clock

    def on_post(self, req: Request, resp: Response) -> None:
        """Begin one."""
        resp.media = _shown(evaluation.begin(Experiment(**req.context.body), self._clock))

    def on_get_one(self, _req: Request, resp: Response, name: str) -> None:
        """Show one, and how its arms do."""
        resp.media = _shown(evaluation.named(name))

    def on_post_end(self, _req: Request, resp: Response, name: str) -> None:
        """End one."""
        resp.media = _shown(evaluation.end(name, self._clock))


def _shown(experiment: Experiment) -> Any:
    arms = evaluation.arms_of(experiment)
    return ExperimentSchema().dump({**experiment.__data__, "arms": arms})
