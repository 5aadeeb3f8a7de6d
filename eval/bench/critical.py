"""Whether a contrast's critical tokens are those after which sampling no longer gets it right.

    python eval/bench/critical.py RUN [--step ce] [--drawn drawn] [--traces 40] [--rollouts 64]
        [--out FILE.json]

For wrong traces that a score step (kind: contrast) of a finished run has scored: from every prefix
the model that drew them goes on, `rollouts` times, under the settings they were drawn with. A
trace's critical token ends the earliest prefix from which no rollout gets it right and after which
never more than 3 of 64 do (Critical Tokens Matter, arXiv 2411.19943, as its code has it); problems
that the model never gets right from the start are left out, and so is a trace whose prefixes are
other tokens when read again. Said of the scores: how often 1 - CE is greater at that token than at
another of the trace (AUC, ties half), the mean over traces with a bootstrap interval over them; how
often it is the greatest; and the AUC of what position alone would say (the earlier, the likelier).
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from reason_w2s.engines import EngineSettings, Request, Sampling, open_sampler
from reason_w2s.engines.model_folder import load_tokenizer
from reason_w2s.evaluate.statistics import bootstrap_mean
from reason_w2s.prompts import Rendered, encode, render
from reason_w2s.records import Row
from reason_w2s.runs.items import ModelRef
from reason_w2s.runs.results import asked
from reason_w2s.runs.run import Run
from reason_w2s.stages.check import CheckConfig, check

SEED = 0
SHARE = 3 / 64
"""The most rollouts behind a critical token that may be right by luck."""


class Asked(NamedTuple):
    """A model, how it is asked, and how its answers are graded."""

    model: ModelRef
    sampling: Sampling
    check: CheckConfig


def critical(successes: Sequence[int], rollouts: int) -> int | None:
    """The place of the critical token, from right rollouts behind each; None: there is none."""
    for place, count in enumerate(successes):
        if count == 0 and all(later <= SHARE * rollouts for later in successes[place:]):
            return place
    return None


def agreement(scores: Sequence[float], place: int) -> float | None:
    """How often a token's score is greater than another's, ties half; None: it is alone."""
    others = [score for at, score in enumerate(scores) if at != place]
    if not others:
        return None
    return sum((scores[place] > one) + 0.5 * (scores[place] == one) for one in others) / len(others)


def described(run: Run, drawn: str, step: str) -> Asked:
    """Who drew the traces, how, and how they were graded."""
    plan = asked(run)[1]
    grading = next(one for one in plan.lineage(step) if one.stage == "check")
    model = run.items[plan.steps[drawn].roles["model"]].reference()
    settings = Sampling.model_validate(plan.steps[drawn].config["sampling"])
    settings = settings.model_copy(update={"n": 1, "stop": (*settings.stop, *model.asked().stop)})
    return Asked(model, settings, CheckConfig.model_validate(grading.config))


def prefixes(row: Row, step: str, how: Asked, tokenizer: Any) -> list[Rendered] | None:
    """The prompt with none of a trace, its first token, and more and more of it; None: its tokens
    are others when read again."""
    rendered = render(how.model.asked(), row.problem, tokenizer)
    ids, said = encode(rendered, tokenizer), row.trace.token_ids or ()
    found = [
        Rendered(rendered.text + row.trace.text[:end], rendered.special)
        for end in [0, *row.columns[f"{step}.ends"][: len(said)]]
    ]
    same = (encode(one, tokenizer) == [*ids, *said[:at]] for at, one in enumerate(found))
    return found if said and all(same) else None


def successes(
    row: Row, starts: Sequence[Rendered], how: Asked, sampler: Any, tokenizer: Any, rollouts: int
) -> list[int]:
    """How many rollouts from each prefix are right."""
    dice = random.Random(f"{SEED} {row.trace.key}")
    requests = [
        Request(f"{at}/{number}", start, how.sampling, dice.getrandbits(31))
        for at, start in enumerate(starts)
        for number in range(rollouts)
    ]
    tried = []
    for done in sampler.sample(requests):
        at = int(done.key.partition("/")[0])
        ids = [*(row.trace.token_ids or ())[:at], *(done.token_ids or ())]
        text = str(tokenizer.decode(ids, skip_special_tokens=True))
        reason = done.finish_reason
        trace = replace(row.trace, key=done.key, index=at, text=text, finish_reason=reason)
        tried.append(Row(trace, row.problem))
    found = [0] * len(starts)
    for one, graded in zip(tried, check(tried, how.check), strict=True):
        found[one.trace.index] += graded["correct"] is True
    return found


def measured(run: Run, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Each trace's critical token and what the scores say of it."""
    how = described(run, arguments.drawn, arguments.step)
    tokenizer = load_tokenizer(Path(how.model.path))
    settings = EngineSettings(
        dtype=how.model.dtype, enforce_eager=True, threads=1, max_num_seqs=256
    )
    sampler = open_sampler(arguments.engine, how.model.path, settings)
    rows = [row for row in run.rows(arguments.step) if row.columns[f"{arguments.step}.tokens"]]
    random.Random(SEED).shuffle(rows)
    for row in islice(rows, arguments.traces):
        starts = prefixes(row, arguments.step, how, tokenizer)
        counts = (
            None
            if starts is None
            else successes(row, starts, how, sampler, tokenizer, arguments.rollouts)
        )
        possible = counts is not None and counts[0] > 0
        place = critical(counts[1:], arguments.rollouts) if counts and possible else None
        scores = [1 - value for value in row.columns[f"{arguments.step}.tokens"]]
        scores = scores[: len(row.trace.token_ids or ())]
        early = [-float(at) for at in range(len(scores))]
        yield {
            "key": row.trace.key,
            "tokens": len(scores),
            "successes": counts,
            "critical": place,
            "auc": None if place is None else agreement(scores, place),
            "auc_of_place": None if place is None else agreement(early, place),
            "greatest": None if place is None else scores[place] == max(scores),
        }
    sampler.close()


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Over traces: means with their intervals."""
    known = [one for one in found if one["auc"] is not None]
    told: dict[str, Any] = {
        "traces": len(found),
        "other_tokens": sum(one["successes"] is None for one in found),
        "never_right": sum(not one["successes"][0] for one in found if one["successes"]),
        "n": len(known),
    }
    for name in ("auc", "auc_of_place", "greatest"):
        values = [float(one[name]) for one in known]
        interval = bootstrap_mean(values, SEED) if values else None
        told[name] = {
            "mean": sum(values) / len(values) if values else None,
            "low": interval.low if interval else None,
            "high": interval.high if interval else None,
        }
    chances = [1 / one["tokens"] for one in known]
    told["greatest"]["by_chance"] = sum(chances) / len(chances) if chances else None
    return told


def main() -> None:
    """Measure a run."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("run")
    parser.add_argument("--step", default="ce")
    parser.add_argument("--drawn", default="drawn")
    parser.add_argument("--engine", default="vllm", choices=("vllm", "hf"))
    parser.add_argument("--traces", type=int, default=40)
    parser.add_argument("--rollouts", type=int, default=64)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    run = Run.open(arguments.run)
    found = list(measured(run, arguments))
    told = {"seed": asked(run)[1].seed, "rollouts": arguments.rollouts, **summary(found)}
    text = json.dumps({**told, "of": found}, indent=1)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
