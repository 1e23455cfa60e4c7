"""The ``graphvid`` command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from graphvid.models import RGCConfig
    from graphvid.runs import Source

app = typer.Typer(help="Video embeddings from what people watch.", no_args_is_help=True, pretty_exceptions_enable=False)
train_app = typer.Typer(help="Train a model into a run directory.", no_args_is_help=True)
app.add_typer(train_app, name="train")

_QUICKSTART = Path("graphvid-quickstart")

Out = Annotated[Path, typer.Option(help="Run directory; new or empty, or a run to resume.")]
Option = Annotated[
    list[str] | None, typer.Option("--set", help="Change an option of the preset: --set num_steps=100. Repeatable.")
]
CheckpointEvery = Annotated[int, typer.Option(help="Steps between checkpoints.")]
Milliseconds = Annotated[
    list[str] | None,
    typer.Option(help="A column that holds milliseconds: watch_time, duration, timestamp. Repeatable."),
]
Run = Annotated[Path, typer.Option("--run", help="Run directory of a finished run.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the run in the directory.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress bars.")]


@app.command()
def quickstart(
    out: Out = _QUICKSTART,
    resume: Resume = False,
    seed: Annotated[int, typer.Option(help="Of the generated world and of training.")] = 0,
    quiet: Quiet = False,
) -> None:
    """Generate a small world of users and videos, learn embeddings from it, and show what they find. Runs offline."""
    from graphvid.models import RGCConfig
    from graphvid.runs import Source

    _train(Source(dataset="synthetic", seed=seed), out, RGCConfig(seed=seed), resume=resume, quiet=quiet)
    typer.echo(f"Next: graphvid neighbors 0 --run {out}")


@train_app.command("rgc")
def train_rgc(
    out: Out,
    log: Annotated[Path | None, typer.Option(help="Watch log: CSV or Parquet with user_id, video_id.")] = None,
    features: Annotated[Path | None, typer.Option(help="Features: .npy, .npz or .parquet.")] = None,
    edges: Annotated[Path | None, typer.Option(help="Ready graph: CSV or Parquet with src, dst.")] = None,
    dataset: Annotated[
        str | None, typer.Option(help="synthetic, tiktok, amazon-photo, amazon-computers or an OGB name.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the data sets; else GRAPHVID_DATA.")] = None,
    weight: Annotated[str, typer.Option(help="Weight of a co-watch: count, binary, cosine or npmi.")] = "count",
    min_count: Annotated[int, typer.Option(help="Fewest users who watched both videos.")] = 1,
    top_k: Annotated[int, typer.Option(help="Strongest neighbours kept a video.")] = 50,
    max_videos_per_user: Annotated[int, typer.Option(help="Videos of one user that count.")] = 100,
    preset: Annotated[str, typer.Option(help="default or paper.")] = "default",
    option: Option = None,
    seed: Annotated[int, typer.Option(help="Of the split and of training.")] = 0,
    checkpoint_every: CheckpointEvery = 50,
    resume: Resume = False,
    quiet: Quiet = False,
) -> None:
    """Relational graph clustering: embeddings that place co-watched videos close together."""
    from graphvid.models import RGCConfig
    from graphvid.runs import Source

    source = Source(
        dataset=dataset,
        data_dir=_text(data_dir),
        log=_text(log),
        edges=_text(edges),
        features=_text(features),
        weight=weight,  # type: ignore[arg-type] # checked where it is used
        min_count=min_count,
        top_k=top_k,
        max_videos_per_user=max_videos_per_user,
        seed=seed,
    )
    base = RGCConfig.preset(preset).to_dict()  # type: ignore[arg-type] # checked there
    config = RGCConfig.from_dict({**base, "seed": seed, **_parse_options(option or [])})
    _train(source, out, config, resume=resume, quiet=quiet, checkpoint_every=checkpoint_every)


@train_app.command("frame")
def train_frame(
    out: Out,
    log: Annotated[
        Path | None,
        typer.Option(help="Watch log: CSV or Parquet with user_id, video_id, watch_time, duration, timestamp."),
    ] = None,
    clips: Annotated[Path | None, typer.Option(help="Clip features: a folder, .npy or .npz.")] = None,
    test_log: Annotated[Path | None, typer.Option(help="Test views; else the last of every user are held out.")] = None,
    test_fraction: Annotated[float, typer.Option(help="Share of every user's views that is held out.")] = 0.25,
    dataset: Annotated[str | None, typer.Option(help="synthetic-skip, a generated world.")] = None,
    milliseconds: Milliseconds = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a log with a bad or repeated row.")] = False,
    preset: Annotated[str, typer.Option(help="survival, paper or official.")] = "survival",
    option: Option = None,
    ablation: Annotated[bool, typer.Option(help="Also train with fewer clips a video, to compare.")] = True,
    seed: Annotated[int, typer.Option(help="Of the generated world and of training.")] = 0,
    checkpoint_every: CheckpointEvery = 50,
    resume: Resume = False,
    quiet: Quiet = False,
) -> None:
    """FRAME: who finishes which video, and at which clip the others leave."""
    from graphvid.models import FRAMEConfig
    from graphvid.runs import ViewSource
    from graphvid.runs import train_frame as train

    source = ViewSource(
        dataset=dataset,
        log=_text(log),
        clips=_text(clips),
        test_log=_text(test_log),
        test_fraction=test_fraction,
        strict=strict,
        milliseconds=tuple(milliseconds or ()),
        seed=seed if dataset is not None else 0,
    )
    base = FRAMEConfig.preset(preset).to_dict()  # type: ignore[arg-type] # checked there
    config = FRAMEConfig.from_dict({**base, "seed": seed, **_parse_options(option or [])})
    metrics = train(
        source, out, config, ablation=ablation, resume=resume, checkpoint_every=checkpoint_every, progress=not quiet
    )
    _print_skip_scores(metrics)
    typer.echo(f"Report: {out / 'report.html'}")


def _add_recommender(name: str, help_text: str, presets: str) -> None:
    @train_app.command(name, help=f"{help_text} Presets: {presets}.")
    def train_one(
        out: Out,
        dataset: Annotated[str | None, typer.Option(help="gowalla, amazon-electronics, tiktok or synthetic.")] = None,
        data_dir: Annotated[Path | None, typer.Option(help="Folder of the data sets; else GRAPHVID_DATA.")] = None,
        log: Annotated[Path | None, typer.Option(help="Watch log: CSV or Parquet with user_id, video_id.")] = None,
        train: Annotated[Path | None, typer.Option(help="Training pairs: a line a user, 'user item item ...'.")] = None,
        validation: Annotated[Path | None, typer.Option(help="Validation pairs in the same form.")] = None,
        test: Annotated[Path | None, typer.Option(help="Test pairs in the same form.")] = None,
        features: Annotated[Path | None, typer.Option(help="Features of the items: .npy, .npz or .parquet.")] = None,
        test_fraction: Annotated[float, typer.Option(help="Share of a log's pairs that is for the test.")] = 0.2,
        selection: Annotated[
            str, typer.Option(help="What epochs are judged by: validation, or test as in published results.")
        ] = "validation",
        preset: Annotated[str, typer.Option(help="Options by name, see above.")] = "default",
        option: Option = None,
        seed: Annotated[int, typer.Option(help="Of the split and of training.")] = 0,
        resume: Resume = False,
        quiet: Quiet = False,
    ) -> None:
        from graphvid.runs import InteractionSource, train_recommender
        from graphvid.runs.recommender import RECOMMENDERS

        source = InteractionSource(
            dataset=dataset,
            data_dir=_text(data_dir),
            train=_text(train),
            validation=_text(validation),
            test=_text(test),
            log=_text(log),
            features=_text(features),
            test_fraction=test_fraction,
            selection=selection,  # type: ignore[arg-type] # checked there
            seed=seed,
        )
        kind = RECOMMENDERS[name].config
        config = kind.from_dict({**kind.preset(preset).to_dict(), "seed": seed, **_parse_options(option or [])})
        metrics = train_recommender(name, source, out, config, resume=resume, progress=not quiet)
        _print_ranking_scores(metrics)
        typer.echo(f"Report: {out / 'report.html'}")


_add_recommender(
    "mf", "Matrix factorisation: a vector for every user and item, with CCL or another loss.", "default, gowalla, bpr"
)
_add_recommender(
    "simplex", "SimpleX: a user's own vector and a mean of what they took, with CCL.", "default, gowalla, electronics"
)
_add_recommender("lightgcn", "LightGCN: vectors averaged over the hops of the user-item graph.", "default, ccl")
_add_recommender(
    "two-tower", "Two towers: items from their features, with negatives from other rows and earlier batches.",
    "default (cross-batch), in_batch, mixed",
)  # fmt: skip


@app.command()
def recommend(
    user_id: Annotated[str, typer.Argument(help="Id of a user of the run.")],
    run: Annotated[Path, typer.Option("--run", help="Run directory of a finished run of a recommender.")],
    top_k: Annotated[int, typer.Option(help="Number of items.")] = 10,
) -> None:
    """Show the items that a recommender ranks first for a user, without those known from training."""
    from graphvid.runs import recommend as best_items

    typer.echo(best_items(run, user_id, top_k=top_k).to_string(index=False, float_format="%.4f"))


@app.command()
def predict(
    log: Annotated[Path, typer.Option(help="Users and videos to score: CSV or Parquet with user_id, video_id.")],
    out: Annotated[Path, typer.Option(help="File to write: .csv or .parquet.")],
    run: Annotated[Path, typer.Option("--run", help="Run directory of a finished FRAME run.")],
    clips: Annotated[Path | None, typer.Option(help="Clip features of videos the run does not know.")] = None,
    milliseconds: Milliseconds = None,
) -> None:
    """Say who will finish which video, for how long they will watch, and at which clip they most likely leave."""
    from graphvid._files import atomic_path
    from graphvid.data import ClipFeatures, WatchLog
    from graphvid.runs import predict_frame

    if out.suffix not in (".csv", ".parquet"):
        raise ValueError(f"out must end in .csv or .parquet, got {out.name!r}")
    pairs = WatchLog.read(log, duplicates="keep", milliseconds=milliseconds or ())
    table = predict_frame(run, pairs, clips=None if clips is None else ClipFeatures.open(clips))
    with atomic_path(out) as temporary:
        write = table.to_csv if out.suffix == ".csv" else table.to_parquet
        write(temporary, index=False)
    typer.echo(f"{len(table):,} predictions in {out}")


@app.command()
def evaluate(run: Run = _QUICKSTART, quiet: Quiet = False) -> None:
    """Read a run's source again, embed its videos with the saved encoder, and score those training never saw."""
    from graphvid.runs import evaluate as evaluate_run

    _print_scores(evaluate_run(run, progress=not quiet))


@app.command()
def embed(
    features: Annotated[Path, typer.Option(help="Features of the videos: .npy, .npz or .parquet.")],
    out: Annotated[Path, typer.Option(help="File to write: .npz with ids and embedding.")],
    run: Run = _QUICKSTART,
) -> None:
    """Embed videos from their features, also videos that were not there in training."""
    from graphvid.data import load_features
    from graphvid.runs import embed_new

    embedded = embed_new(run, load_features(features))
    embedded.save(out)
    typer.echo(f"{embedded.num_videos:,} embeddings of {embedded.dims['embedding']} columns in {out}")


@app.command()
def neighbors(
    video_id: Annotated[str, typer.Argument(help="Id of a video of the run.")],
    run: Run = _QUICKSTART,
    top_k: Annotated[int, typer.Option(help="Number of videos.")] = 10,
) -> None:
    """Show the videos most similar to one video."""
    from graphvid.runs import neighbors as most_similar

    typer.echo(most_similar(run, video_id, top_k=top_k).to_string(index=False, float_format="%.4f"))


def main() -> None:
    """Run the command; an error that the user can mend is one sentence, not a traceback."""
    try:
        app()
    except (ValueError, TypeError, KeyError, OSError, ImportError) as error:
        message = error.args[0] if isinstance(error, KeyError) and error.args else error
        typer.echo(f"graphvid: {message}", err=True)
        sys.exit(2)


def _train(
    source: Source, out: Path, config: RGCConfig, *, resume: bool, quiet: bool, checkpoint_every: int = 50
) -> None:
    from graphvid.runs import train

    metrics = train(source, out, config, resume=resume, checkpoint_every=checkpoint_every, progress=not quiet)
    _print_scores(metrics["cold_start"])
    typer.echo(f"Report: {out / 'report.html'}")


def _print_scores(scores: dict[str, Any]) -> None:
    k = next(iter(scores.values()))["k"]
    columns = {"ndcg": f"NDCG@{k}", "map": "MAP", "mrr": "MRR", "recall": f"Recall@{k}", "hit": f"Hit@{k}"}
    raw = scores["raw features"]["ndcg"]
    typer.echo("Cold start: videos never seen in training, ranked by cosine")
    typer.echo(f"{'method':<22}" + "".join(f"{name:>11}" for name in columns.values()) + f"{'x raw':>8}")
    for method, values in scores.items():
        cells = "".join(f"{values[key]:>11.4f}" for key in columns)
        typer.echo(f"{method:<22}{cells}{values['ndcg'] / raw if raw else float('nan'):>8.2f}")


def _print_ranking_scores(metrics: dict[str, Any]) -> None:
    columns = {"recall": "Recall", "ndcg": "NDCG", "precision": "Precision", "hit": "Hit", "mrr": "MRR", "map": "MAP"}
    typer.echo(f"Test pairs among all items, the model of epoch {metrics['best_epoch']} of {len(metrics['epochs'])}")
    typer.echo(f"{'method':<22}" + "".join(f"{name + '@20':>13}" for name in columns.values()))
    for method, values in metrics["methods"].items():
        typer.echo(f"{method:<22}" + "".join(f"{values['20'][key]:>13.4f}" for key in columns))


def _print_skip_scores(metrics: dict[str, Any]) -> None:
    columns = ("GAUC", "AUC", "log loss", "ECE", "NDCG@3")
    typer.echo(f"{metrics['views']['test']:,} test views, {metrics['views']['training']:,} training views")
    for reason, count in metrics["views"]["dropped"].items():
        typer.echo(f"{count:,} rows left out: {reason}")
    typer.echo(f"{'method':<28}" + "".join(f"{name:>10}" for name in columns))
    fewer = {f"FRAME, clips a video: {coarse['num_clips']}": coarse for coarse in metrics["ablation"]}
    for method, found in {**metrics["methods"], **fewer}.items():
        values = (found["gauc"]["value"], found["auc"], found["log_loss"], found["expected_calibration_error"],
                  found["impressions"]["3"]["ndcg"])  # fmt: skip
        typer.echo(f"{method:<28}" + "".join(f"{value:>10.4f}" for value in values))
    typer.echo(f"{'constant rate':<28}{'':>20}{metrics['base_rate_log_loss']:>10.4f}")


def _parse_options(options: list[str]) -> dict[str, Any]:
    values = {}
    for text in options:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"--set must be NAME=VALUE, got {text!r}")
        try:
            values[name] = json.loads(value)
        except json.JSONDecodeError:
            values[name] = value
    return values


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
