"""A user's mistake is one line that says where, exit code 2, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.runs.small import RECIPE, TRAIN, main, one_line, project

TRAINED = RECIPE + TRAIN
EVALUATED = RECIPE + "evaluate: {suites: [suite.yaml], models: {weak: weak}}\n"
AUDITED = RECIPE.replace("data.jsonl}", "data.jsonl, labels: audit}")
NO_LABELS = RECIPE.replace("data.jsonl}", "data.jsonl, labels: none}")
SOLUTIONS = (
    AUDITED[: AUDITED.index("  drawn")]
    + "  tuned: {train: {objective: sft, init: weak, of: train, target: solution, updates: 1}}\n"
)

FLIPS = """\
  checked: {check: {of: drawn, kind: number}}
  agreed: {vote: {of: checked}}
  sides: {pair: {of: agreed, rules: [{chosen: {model: weak}, rejected: {model: weak}}]}}
  noise: {noise: {of: sides, truth: checked.correct}}
  tuned:
    train:
      {objective: dpo, init: weak, of: sides, noise: noise, updates: 1,
       trainer: {loss_type: robust}}
"""
NOISE = RECIPE + FLIPS

# id: (recipe, (old, new), what the line must say)
MISTAKES: dict[str, tuple[str, tuple[str, str], list[str]]] = {
    # unknown keys
    "top level": (RECIPE, ("steps:", "stesp:"), ["unknown key 'stesp'", "'steps'?"]),
    "step": (
        RECIPE,
        ("take: 1", "tkae: 1"),
        ["steps.chosen.select", "unknown key 'tkae'", "'take'?"],
    ),
    "role": (
        RECIPE,
        ("{model: weak", "{modl: weak"),
        ["steps.drawn.sample", "unknown key 'modl'", "'model'?"],
    ),
    "deep in a step": (
        RECIPE,
        ("max_tokens", "max_token"),
        ["steps.drawn.sample.sampling", "'max_token'", "'max_tokens'?"],
    ),
    "yes is a word": (
        RECIPE,
        ("where: {graded.correct: true}", "where: {graded.correct: yes}"),
        ["steps.chosen.select.where.graded.correct", "true, false or null", "'yes'"],
    ),
    "loss of another objective": (
        TRAINED,
        ("init: weak", "init: weak, loss: {name: conservative, flipped: 0.1}"),
        ["steps.tuned.train: loss: conservative is for objective: dpo, got objective: sft"],
    ),
    "loss beside what TRL would decide": (
        TRAINED,
        ("init: weak", "init: weak, loss: {name: confidence}, trainer: {loss_type: dft}"),
        ["steps.tuned.train: loss: confidence leaves no say to trainer.loss_type; remove one"],
    ),
    "loss's own key": (
        TRAINED,
        ("init: weak", "init: weak, loss: {name: confidence, warm_up: 0.2}"),
        ["steps.tuned.train.loss", "unknown key 'warm_up'", "'warmup'?"],
    ),
    "reference model under sft": (
        TRAINED,
        ("init: weak", "init: weak, ref: weak"),
        ["steps.tuned.train.ref", "sft has no reference"],
    ),
    "side where there are no pairs": (
        TRAINED,
        ("init: weak", "init: weak, side: chosen"),
        ["steps.tuned.train.side", "sft on pairs"],
    ),
    "pair rule": (
        RECIPE,
        ("rejected:", "rejcted:"),
        ["steps.pairs.pair.rules.0", "'rejcted'", "'rejected'?"],
    ),
    "model": (RECIPE, ("prompt: qa", "promt: qa"), ["models.weak", "'promt'", "'prompt'?"]),
    "prompt of its own": (
        RECIPE,
        ("prompt: qa", "prompt: {template: '{question}', seperator: ' '}"),
        ["models.weak.prompt: unknown key 'seperator'; did you mean 'separator'?"],
    ),
    "prompt without a template": (
        RECIPE,
        ("prompt: qa", "prompt: {separator: ' '}"),
        ["models.weak.prompt.template: this key is required"],
    ),
    "what a prompt's key holds": (
        RECIPE,
        ("prompt: qa", "prompt: {template: '{question}', shots: Q}"),
        ["models.weak.prompt.shots: expected a list, got 'Q'"],
    ),
    "what one shot holds": (
        RECIPE,
        (
            "prompt: qa",
            "prompt: {template: '{question}', shots: [{question: Q, response: A, answer: A}]}",
        ),
        ["models.weak.prompt.shots.0: unknown key 'answer'"],
    ),
    "prompt of the recipe": (
        RECIPE,
        ("models:", "prompts: {own: {template: '{question}', stop: 3}}\nmodels:"),
        ["small.yaml: prompts.own.stop: expected a list, got 3"],
    ),
    "prompt file": (RECIPE, ("prompt: qa", "prompt: my/no.yaml"), ["my/no.yaml: no such file"]),
    "prompt file that is none": (
        RECIPE,
        ("prompt: qa", "prompt: suite.yaml"),
        ["/suite.yaml: unknown key 'problems'", "template"],
    ),
    "problems": (
        RECIPE,
        ("source: jsonl", "source: jsonl, tak: 3"),
        ["problems.train", "'tak'", "'take'?"],
    ),
    "problem columns": (
        RECIPE,
        ("source: jsonl", "source: jsonl, columns: {qestion: q}"),
        ["problems.train.columns", "'qestion'", "'question'?"],
    ),
    "evaluate": (
        EVALUATED,
        ("{suites:", "{suits:"),
        ["evaluate", "unknown key 'suits'", "'suites'?"],
    ),
    "prompted": (
        RECIPE,
        ("  drawn:", "  asked: {prompted: {model: weak, promt: qa}}\n  drawn:"),
        ["steps.asked.prompted", "'promt'", "'prompt'?"],
    ),
    "lora": (
        TRAINED,
        ("updates: 1", "updates: 1, lora: {alfa: 3}"),
        ["steps.tuned.train.lora", "'alfa'", "'alpha'?"],
    ),
    "lora switched on": (
        TRAINED,
        ("updates: 1", "updates: 1, lora: true"),
        ["tuned.train.lora: expected all_linear, or a mapping such as {r: 32, ", "got True"],
    ),
    "lora of a word": (
        TRAINED,
        ("updates: 1", "updates: 1, lora: some"),
        ["steps.tuned.train.lora: Input should be 'all_linear', got 'some'"],
    ),
    "trainer": (
        TRAINED,
        ("updates: 1", "updates: 1, trainer: {learning_rte: 1}"),
        ["steps.tuned.train", "trainer", "'learning_rte'", "'learning_rate'?"],
    ),
    # keys of another file
    "micro batch in a step": (
        TRAINED,
        ("updates: 1", "updates: 1, micro_batch: 2"),
        ["steps.tuned.train", "unknown key 'micro_batch'", "launch/profiles"],
    ),
    "micro batch in trainer": (
        TRAINED,
        ("updates: 1", "updates: 1, trainer: {per_device_train_batch_size: 2}"),
        ["per_device_train_batch_size", "launch/profiles"],
    ),
    "isolate in a recipe": (
        RECIPE,
        ("name: small", "name: small\nisolate: none"),
        ["unknown key 'isolate'", "launch/profiles"],
    ),
    # YAML
    "key twice": (RECIPE, ("  graded:", "  drawn:"), ["small.yaml:9", '"drawn"', "once"]),
    "not YAML": (RECIPE, ("{path:", "{{path:"), ["small.yaml:5", "YAML"]),
    "a list": (RECIPE, (RECIPE, "[1, 2]"), ["small.yaml", "expected a mapping"]),
    "empty": (RECIPE, (RECIPE, "\n"), ["small.yaml", "expected a mapping"]),
    "a control character": (RECIPE, ("name: small", "name: sm\x01ll"), ["small.yaml", "YAML"]),
    "on is a word": (RECIPE, ("take: 1", "take: on"), ["select.take", "got 'on'"]),
    "12:30 is a word": (RECIPE, ("take: 1", "take: 12:30"), ["select.take", "got '12:30'"]),
    "steps are a list": (
        RECIPE,
        (RECIPE[RECIPE.index("steps") :], "steps: []\n"),
        ["steps", "got []"],
    ),
    "no steps": (RECIPE, (RECIPE[RECIPE.index("steps") :], "steps:\n"), ["steps", "got None"]),
    # names
    "one name twice": (RECIPE, ("  drawn:", "  weak:"), ["'weak'", "twice"]),
    "nothing": (RECIPE, ("{of: drawn", "{of: drwn"), ["graded", "'drwn'", "'drawn'?"]),
    "model that is not": (RECIPE, ("model: weak", "model: wek"), ["drawn", "'wek'", "'weak'?"]),
    "circle": (
        RECIPE,
        ("{of: drawn", "{of: clean"),
        ["in a circle", "graded -> clean -> graded"],
    ),
    "circle of problems": (
        RECIPE,
        ("source: jsonl, file: data.jsonl", "of: train"),
        ["in a circle", "train -> train"],
    ),
    "stage": (RECIPE, ("{select:", "{slect:"), ["steps.chosen", "'slect'", "'select'?"]),
    "prompt": (RECIPE, ("prompt: qa", "prompt: qwen_box"), ["models.weak.prompt", "'qwen_boxed'?"]),
    "prompted prompt": (
        RECIPE,
        ("  drawn:", "  asked: {prompted: {model: weak, prompt: wrld}}\n  drawn:"),
        ["steps.asked.prompted.prompt", "'wrld'", "'world'?"],
    ),
    "suite": (EVALUATED, ("[suite.yaml]", "[gsm9k]"), ["suites", "'gsm9k'", "'gsm8k'?"]),
    "suite file": (EVALUATED, ("[suite.yaml]", "[no.yaml]"), ["no.yaml: no such file"]),
    "suite of the recipe": (
        EVALUATED,
        ("evaluate:", "suites: {other.yaml: {}}\nevaluate:"),
        ["suites.other.yaml"],
    ),
    "key in a suite of the recipe": (
        EVALUATED,
        ("evaluate:", "suites: {suite: {samplng: {}}}\nevaluate:"),
        ["suites.suite", "'samplng'", "'sampling'?"],
    ),
    "compared": (
        EVALUATED,
        ("models: {weak: weak}", "models: {weak: weak}, compare: [[weak, wek]]"),
        ["evaluate.compare", "'wek'", "'weak'?"],
    ),
    "gap": (
        EVALUATED,
        ("models: {weak: weak}", "models: {weak: weak}, gaps: {g: {floor: weak, reached: wek}}"),
        ["evaluate.gaps.g.reached", "'wek'", "'weak'?"],
    ),
    "control": (
        EVALUATED,
        ("models: {weak: weak}", "models: {weak: weak}, controls: {headroom: wek}"),
        ["evaluate.controls.headroom", "'wek'", "'weak'?"],
    ),
    "ceiling of an unknown kind": (
        EVALUATED,
        (
            "models: {weak: weak}",
            "models: {weak: weak}, gaps: {g: {base: weak, reached: weak, ceiling: weak}}",
        ),
        ["evaluate.gaps.g: say how 'weak' was trained", "ceiling_by: rl", "gold_sft"],
    ),
    "ceiling_by without a base": (
        EVALUATED,
        (
            "models: {weak: weak}",
            "models: {weak: weak}, "
            "gaps: {g: {floor: weak, reached: weak, ceiling: weak, ceiling_by: rl}}",
        ),
        ["evaluate.gaps.g", "ceiling_by", "remove it"],
    ),
    "RL ceiling that is none": (
        TRAINED + "evaluate:\n  suites: [suite.yaml]\n  models: {weak: weak, tuned: tuned}\n"
        "  gaps: {g: {base: weak, reached: weak, ceiling: weak, ceiling_by: rl}}\n",
        ("ceiling: weak", "ceiling: tuned"),
        ["evaluate.gaps.g.ceiling: 'tuned' is trained here", "neither on gold solutions nor by RL"],
    ),
    "variable": (
        RECIPE,
        ("path: nobody/weak", "path: 'x${sed}'"),
        ["small.yaml", "${sed}", "seed"],
    ),
    # kinds
    "check of problems": (
        RECIPE,
        ("{of: drawn", "{of: train"),
        ["steps.graded.check.of", "'train' is problems", "expected traces"],
    ),
    "sample of pairs": (
        RECIPE + "  more: {sample: {model: weak, of: pairs}}\n",
        ("x", "x"),
        ["steps.more.sample.of", "'pairs' is pairs", "expected problems"],
    ),
    "dpo of traces": (
        TRAINED,
        ("objective: sft", "objective: dpo"),
        ["steps.tuned.train.of", "dpo needs pairs", "traces"],
    ),
    "sft of pairs": (
        TRAINED,
        ("of: chosen, batch", "of: pairs, batch"),
        ["steps.tuned.train.side", "chosen or rejected"],
    ),
    "traces and pairs": (
        TRAINED,
        ("of: chosen, batch", "of: [chosen, pairs], batch"),
        ["steps.tuned.train.of", "pairs and traces"],
    ),
    "traces and problems": (
        TRAINED,
        ("of: chosen, batch", "of: [chosen, train], batch"),
        ["steps.tuned.train.of", "problems and traces"],
    ),
    "problems without target": (
        TRAINED,
        ("of: chosen, batch", "of: train, batch"),
        ["steps.tuned.train.of", "target: solution"],
    ),
    "model for data": (
        RECIPE,
        ("of: train, sampling", "of: weak, sampling"),
        ["steps.drawn.sample.of", "'weak' is model"],
    ),
    "data for a model": (
        RECIPE,
        ("model: weak", "model: train"),
        ["steps.drawn.sample.model", "'train' is problems", "expected a model"],
    ),
    "traces for problems": (
        RECIPE,
        ("source: jsonl, file: data.jsonl", "source: jsonl, file: data.jsonl, without: graded"),
        ["in a circle", "train -> graded"],
    ),
    "prompted of a list": (
        RECIPE,
        ("  drawn:", "  asked: {prompted: {model: [weak], prompt: qa}}\n  drawn:"),
        ["asked", "nothing is named"],
    ),
    # columns and predicates
    "column": (
        RECIPE,
        ("where: {graded.correct: true}", "where: {graded.corect: true}"),
        ["steps.chosen.select.where", "'graded.corect'", "'graded.correct'?"],
    ),
    "column of a step elsewhere": (
        RECIPE,
        ("{of: clean, where: {graded.correct: true}", "{of: graded, where: {clean.flags: none}"),
        ["steps.chosen.select.where", "no column 'clean.flags' reaches here"],
    ),
    "column of by": (
        RECIPE,
        ("per: problem", "per: problem, by: [-n_token]"),
        ["steps.chosen.select.by", "'n_token'", "'n_tokens'?"],
    ),
    "column of a pair side": (
        RECIPE,
        ("rejected: {graded.correct", "rejected: {graded.corect"),
        ["steps.pairs.pair.rules[0].rejected", "'graded.corect'"],
    ),
    "column of problems": (
        RECIPE,
        ("source: jsonl", "source: jsonl, where: {levle: 3}"),
        ["problems.train.where", "'levle'", "'level'?"],
    ),
    "operator": (
        RECIPE,
        ("graded.correct: true}, per", "n_tokens: {mn: 3}}, per"),
        ["steps.chosen.select.where.n_tokens", "'mn'", "min, max, in, not"],
    ),
    "operator of problems": (
        RECIPE,
        ("source: jsonl", "source: jsonl, where: {level: {less: 3}}"),
        ["problems.train.where.level", "'less'"],
    ),
    "in without a list": (
        RECIPE,
        ("graded.correct: true}, per", "n_tokens: {in: 3}}, per"),
        ["where.n_tokens.in", "expected a list", "got 3"],
    ),
    "min of a word": (
        RECIPE,
        ("graded.correct: true}, per", "n_tokens: {min: few}}, per"),
        ["where.n_tokens.min", "expected a number", "got 'few'"],
    ),
    "range over words": (
        RECIPE,
        ("graded.correct: true}, per", "finish_reason: {min: 3}}, per"),
        ["steps.chosen.select", "finish_reason is 'stop'", "need numbers"],
    ),
    # gold labels
    "audited answers": (
        AUDITED,
        ("x", "x"),
        ["steps.chosen.select", "gold answers of 'train'", "labels: audit"],
    ),
    "no answers": (NO_LABELS, ("x", "x"), ["steps.chosen.select", "labels: none"]),
    "audited answers under a dotted name": (
        AUDITED.replace("graded", "step.graded"),
        ("x", "x"),
        ["steps.chosen.select", "labels: audit"],
    ),
    "audited answers in pairs": (
        AUDITED.replace("where: {graded.correct: true}", "where: {n_tokens: {max: 9}}"),
        ("x", "x"),
        ["steps.pairs.pair", "labels: audit"],
    ),
    "audited answers by order": (
        AUDITED.replace("where: {graded.correct: true}", "by: [-graded.correct]"),
        ("x", "x"),
        ["steps.chosen.select", "labels: audit"],
    ),
    "audited solutions": (
        SOLUTIONS,
        ("x", "x"),
        ["steps.tuned.train", "gold solutions of 'train'", "labels: audit"],
    ),
    "gold cut out of audit": (
        AUDITED,
        ("steps:", "  part: {of: train, labels: gold}\nsteps:"),
        ["problems.part.labels", "'gold'", "audit", "take: N"],
    ),
    "noise that is audited": (
        NOISE.replace("data.jsonl}", "data.jsonl, labels: audit}").replace(
            RECIPE[RECIPE.index("  graded") :], ""
        ),
        ("x", "x"),
        ["steps.noise.noise", "gold answers of 'train'", "labels: audit"],
    ),
    "truth that is no verdict": (
        NOISE,
        ("truth: checked.correct", "truth: checked.answer"),
        ["steps.noise.noise.truth", "'checked.answer' is no yes-or-no column"],
    ),
    "truth from elsewhere": (
        NOISE,
        ("truth: checked.correct", "truth: graded.correct"),
        ["steps.noise.noise.truth", "no column 'graded.correct' reaches here"],
    ),
    "a rate said twice": (
        NOISE,
        ("loss_type: robust", "loss_type: robust, label_smoothing: 0.1"),
        ["steps.tuned.train.trainer.label_smoothing", "measured by 'noise' and typed here"],
    ),
    "a rate that nothing says": (
        NOISE,
        ("noise: noise, updates", "updates"),
        ["steps.tuned.train.trainer.label_smoothing", "is not said", "noise: STEP"],
    ),
    "a rate that nothing takes": (
        NOISE,
        ("loss_type: robust", "loss_type: sigmoid"),
        ["steps.tuned.train.noise", "loss_type: robust", "conservative"],
    ),
    "a rate that says nothing": (
        NOISE.replace("noise: noise, updates", "updates"),
        ("loss_type: robust", "loss_type: robust, label_smoothing: 0.5"),
        ["label_smoothing", "got 0.5", "less than 0.5"],
    ),
    "verdicts without a label": (
        TRAINED,
        ("objective: sft", "objective: kto"),
        ["steps.tuned.train.label", "label: STEP.correct"],
    ),
    "a label that nobody reads": (
        TRAINED,
        ("objective: sft", "objective: sft, label: graded.correct"),
        ["steps.tuned.train.label", "kto and no other"],
    ),
    "verdicts on pairs": (
        TRAINED,
        (
            "objective: sft, init: weak, of: chosen",
            "objective: kto, init: weak, of: pairs, label: graded.correct",
        ),
        ["steps.tuned.train.of", "kto needs traces, got pairs"],
    ),
    "a label that is no verdict": (
        TRAINED,
        ("objective: sft", "objective: kto, label: graded.answer"),
        ["steps.tuned.train.label", "no yes-or-no column"],
    ),
    "an audited label": (
        AUDITED[: AUDITED.index("  clean")] + TRAIN.replace("chosen", "graded"),
        ("objective: sft", "objective: kto, label: graded.correct"),
        ["steps.tuned.train", "gold answers of 'train'", "labels: audit"],
    ),
    "noise that is a model": (
        NOISE,
        ("noise: noise, updates", "noise: weak, updates"),
        ["steps.tuned.train.noise", "'weak' is model", "fitted"],
    ),
    # training
    "no length": (TRAINED, (", updates: 1", ""), ["steps.tuned.train", "'updates'", "epochs"]),
    "two lengths": (
        TRAINED,
        ("updates: 1", "updates: 1, trainer: {num_train_epochs: 1}"),
        ["steps.tuned.train", "'updates'", "num_train_epochs"],
    ),
    "no init": (TRAINED, ("init: weak, ", ""), ["steps.tuned.train", "'init' is missing"]),
    "no of": (RECIPE, ("{of: graded}", "{}"), ["steps.clean.stepcheck", "'of' is missing"]),
    "seed": (RECIPE, ("take: 1", "take: 1, seed: one"), ["steps.chosen.select.seed", "'one'"]),
    # values
    "negative": (RECIPE, ("n: 4", "n: 0"), ["steps.drawn.sample.sampling.n", "got 0"]),
    "part": (RECIPE, ("source: jsonl", "source: jsonl, part: 3/2"), ["problems.train.part", "k/n"]),
    "two origins": (
        RECIPE,
        ("source: jsonl", "of: x, source: jsonl"),
        ["problems.train", "either"],
    ),
    "no file": (RECIPE, (", file: data.jsonl", ""), ["problems.train", "needs a 'file'"]),
    "two models": (
        RECIPE,
        ("{path: nobody/weak", "{path: x, world: weak"),
        ["models.weak", "one of"],
    ),
    "world size": (
        RECIPE,
        ("{path: nobody/weak", "{world: strange"),
        ["models.weak.size", "'weak' or 'strong'", "'strange'"],
    ),
    "two stages": (RECIPE, ("{stepcheck: {of: graded}}", "{check: {}, select: {}}"), ["one stage"]),
    "name": (RECIPE, ("name: small", "name: ../small"), ["name", "'../small'"]),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_recipe_is_one_line(name, tmp_path, monkeypatch, capsys):
    recipe, (old, new), said = MISTAKES[name]
    assert old == "x" or old in recipe
    path = project(tmp_path, recipe if old == "x" else recipe.replace(old, new, 1))
    monkeypatch.chdir(tmp_path)
    code, out, err = main(["run", path.name, "--profile", "fake.yaml"], monkeypatch, capsys)
    line = one_line(err)
    assert code == 2, err
    assert out == ""
    for part in said:
        assert part in line, line


def test_the_table_starts_from_recipes_without_mistakes(tmp_path, monkeypatch, capsys):
    path = project(tmp_path, EVALUATED)
    monkeypatch.chdir(tmp_path)
    code, out, err = main(["run", path.name, "--profile", "fake.yaml"], monkeypatch, capsys)
    assert code == 0, err
    assert "report:" in out
