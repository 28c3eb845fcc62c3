"""What a plugin author may import; each name's home is imported when it is first asked for."""

from .commands.python_run import (
    RunTables as RunTables,
)
from .commands.python_run import (
    run as run,
)
from .contracts.backends import (
    Approximate as Approximate,
)
from .contracts.backends import (
    Backend as Backend,
)
from .contracts.backends import (
    Bounded as Bounded,
)
from .contracts.backends import (
    Compiles as Compiles,
)
from .contracts.backends import (
    LimitsBatch as LimitsBatch,
)
from .contracts.backends import (
    OnDevice as OnDevice,
)
from .contracts.backends import (
    PrefersMultiple as PrefersMultiple,
)
from .contracts.backends import (
    ReadsWeights as ReadsWeights,
)
from .contracts.backends import (
    Run as Run,
)
from .contracts.backends import (
    RunsModel as RunsModel,
)
from .contracts.backends import (
    Simulated as Simulated,
)
from .contracts.backends import (
    Simulates as Simulates,
)
from .contracts.backends import (
    cpu_peak_macs as cpu_peak_macs,
)
from .contracts.converters import (
    AnyConverter as AnyConverter,
)
from .contracts.converters import (
    Converter as Converter,
)
from .contracts.converters import (
    DescribesTensors as DescribesTensors,
)
from .contracts.converters import (
    FileTensor as FileTensor,
)
from .contracts.converters import (
    LoadsFile as LoadsFile,
)
from .contracts.converters import (
    Narrows as Narrows,
)
from .contracts.converters import (
    Refines as Refines,
)
from .contracts.converters import (
    SharesGraph as SharesGraph,
)
from .contracts.data import (
    Augments as Augments,
)
from .contracts.data import (
    Dataset as Dataset,
)
from .contracts.data import (
    Located as Located,
)
from .contracts.data import (
    Model as Model,
)
from .contracts.data import (
    NamesClasses as NamesClasses,
)
from .contracts.data import (
    Part as Part,
)
from .contracts.data import (
    Preprocesses as Preprocesses,
)
from .contracts.data import (
    Preprocessing as Preprocessing,
)
from .contracts.data import (
    Pretrained as Pretrained,
)
from .contracts.data import (
    SharesImages as SharesImages,
)
from .contracts.evidence import (
    Evidence as Evidence,
)
from .contracts.evidence import (
    Granularity as Granularity,
)
from .contracts.evidence import (
    Reader as Reader,
)
from .contracts.evidence import (
    Scope as Scope,
)
from .contracts.evidence import (
    Scores as Scores,
)
from .contracts.meters import (
    Meter as Meter,
)
from .contracts.options import (
    Configurable as Configurable,
)
from .contracts.options import (
    NeedsArgument as NeedsArgument,
)
from .contracts.options import (
    Preloads as Preloads,
)
from .contracts.options import (
    choice_from as choice_from,
)
from .contracts.options import (
    number_from as number_from,
)
from .contracts.pruners import (
    ComparedWith as ComparedWith,
)
from .contracts.pruners import (
    MakesMasks as MakesMasks,
)
from .contracts.pruners import (
    Penalises as Penalises,
)
from .contracts.pruners import (
    Pruner as Pruner,
)
from .contracts.pruners import (
    PrunesOnly as PrunesOnly,
)
from .contracts.pruners import (
    Rewrites as Rewrites,
)
from .contracts.pruners import (
    Scoped as Scoped,
)
from .contracts.pruners import (
    Steps as Steps,
)
from .contracts.pruners import (
    Trained as Trained,
)
from .contracts.reporters import (
    Reporter as Reporter,
)
from .contracts.schedules import (
    Controlled as Controlled,
)
from .contracts.schedules import (
    Place as Place,
)
from .contracts.schedules import (
    Regrowth as Regrowth,
)
from .contracts.schedules import (
    Round as Round,
)
from .contracts.schedules import (
    Schedule as Schedule,
)
from .contracts.schedules import (
    StartsEarly as StartsEarly,
)
from .conversion.onnx import (
    OnnxConverter as OnnxConverter,
)
from .conversion.onnx import (
    Optimised as Optimised,
)
from .conversion.onnx import (
    load_onnx as load_onnx,
)
from .conversion.tflite import (
    QuantisedTfliteConverter as QuantisedTfliteConverter,
)
from .conversion.tflite import (
    TfliteConverter as TfliteConverter,
)
from .conversion.tflite import (
    load_tflite as load_tflite,
)
from .discovery.hookspecs import (
    hookimpl as hookimpl,
)
from .errors import (
    HarnessError as HarnessError,
)
from .errors import (
    UnsupportedError as UnsupportedError,
)
from .machine.availability import (
    no_gpu as no_gpu,
)
from .machine.availability import (
    unmet as unmet,
)
from .machine.environment import (
    cpu_name as cpu_name,
)
from .machine.environment import (
    gpu_name as gpu_name,
)
from .presentation.board_table import (
    board_latex as board_latex,
)
from .presentation.board_table import (
    board_table as board_table,
)
from .presentation.board_table import (
    boards_frame as boards_frame,
)
from .presentation.board_titles import (
    recipe_sentences as recipe_sentences,
)
from .presentation.pictures import (
    tradeoff_pictures as tradeoff_pictures,
)
from .presentation.table import (
    escaped_markdown as escaped_markdown,
)
from .ranking.leaderboard import (
    Entry as Entry,
)
from .ranking.leaderboard import (
    Leaderboard as Leaderboard,
)
from .ranking.leaderboard import (
    leaderboards as leaderboards,
)
from .ranking.leaderboard import (
    shown_top1 as shown_top1,
)
from .ranking.remarks import (
    remarks as remarks,
)
from .storage.csv_text import (
    csv_text as csv_text,
)
from .storage.keys import (
    file_name as file_name,
)
from .storage.row import (
    BLOBS as BLOBS,
)
from .storage.row import (
    Row as Row,
)
from .storage.row import (
    column_units as column_units,
)
from .storage.row import (
    speedup_realised as speedup_realised,
)
from .storage.tidy_frame import (
    tidy_frame as tidy_frame,
)
from .training.images.augmentation import (
    cropped_and_mirrored as cropped_and_mirrored,
)
from .training.images.image_cache import (
    Decodes as Decodes,
)
from .training.images.image_cache import (
    NormalisedImages as NormalisedImages,
)
from .training.images.image_cache import (
    decoded_once as decoded_once,
)
from .training.images.image_cache import (
    files_under as files_under,
)
from .training.images.image_cache import (
    listing as listing,
)
from .training.images.image_transform import (
    image_transform as image_transform,
)

__all__ = [
    "BLOBS",
    "AnyConverter",
    "Approximate",
    "Augments",
    "Backend",
    "Bounded",
    "ComparedWith",
    "Compiles",
    "Configurable",
    "Controlled",
    "Converter",
    "Dataset",
    "Decodes",
    "DescribesTensors",
    "Entry",
    "Evidence",
    "FileTensor",
    "Granularity",
    "HarnessError",
    "Leaderboard",
    "LimitsBatch",
    "LoadsFile",
    "Located",
    "MakesMasks",
    "Meter",
    "Model",
    "NamesClasses",
    "Narrows",
    "NeedsArgument",
    "NormalisedImages",
    "OnDevice",
    "OnnxConverter",
    "Optimised",
    "Part",
    "Penalises",
    "Place",
    "PrefersMultiple",
    "Preloads",
    "Preprocesses",
    "Preprocessing",
    "Pretrained",
    "Pruner",
    "PrunesOnly",
    "QuantisedTfliteConverter",
    "Reader",
    "ReadsWeights",
    "Refines",
    "Regrowth",
    "Reporter",
    "Rewrites",
    "Round",
    "Row",
    "Run",
    "RunTables",
    "RunsModel",
    "Schedule",
    "Scope",
    "Scoped",
    "Scores",
    "SharesGraph",
    "SharesImages",
    "Simulated",
    "Simulates",
    "StartsEarly",
    "Steps",
    "TfliteConverter",
    "Trained",
    "UnsupportedError",
    "board_latex",
    "board_table",
    "boards_frame",
    "choice_from",
    "column_units",
    "cpu_name",
    "cpu_peak_macs",
    "cropped_and_mirrored",
    "csv_text",
    "decoded_once",
    "escaped_markdown",
    "file_name",
    "files_under",
    "gpu_name",
    "hookimpl",
    "image_transform",
    "leaderboards",
    "listing",
    "load_onnx",
    "load_tflite",
    "no_gpu",
    "number_from",
    "recipe_sentences",
    "remarks",
    "run",
    "shown_top1",
    "speedup_realised",
    "tidy_frame",
    "tradeoff_pictures",
    "unmet",
]
