"""Facts of each trainer: the interface of its models, the sections, inputs and policies that it uses."""

from mer.contracts.interfaces import (
    ChunkModel,
    EstimatorModel,
    HybridModel,
    Model,
    NetworkModel,
    PretrainedModel,
    TwoStageModel,
)

MODEL_OF_TRAINER: dict[str, type] = {
    "autoencoder_codes": EstimatorModel,
    "finetune": PretrainedModel,
    "hybrid": HybridModel,
    "random_chunks": ChunkModel,
    "segment_sequence": NetworkModel,
    "sklearn_estimator": EstimatorModel,
    "supervised": NetworkModel,
    "two_stage": TwoStageModel,
}  # trainer -> the interface of its models


SECTIONS_OF_TRAINER: dict[str, tuple[str, ...]] = {
    "autoencoder_codes": ("training",),
    "finetune": ("training",),
    "hybrid": ("dnn", "pretraining", "fusion"),
    "random_chunks": ("training", "waveform"),
    "segment_sequence": ("training",),
    "supervised": ("training",),
    "two_stage": ("autoencoder", "classifier"),
}  # trainer -> what it reads of the ``Params`` of its models


INPUTS_OF_TRAINER: dict[str, tuple[set[str], ...]] = {
    "autoencoder_codes": ({"spectrogram"},),
    "finetune": ({"spectrogram"},),
    "hybrid": ({"spectrogram", "table"},),
    "random_chunks": ({"waveform"},),
    "segment_sequence": ({"spectrogram"},),
    "sklearn_estimator": ({"table"}, set()),
    "supervised": ({"spectrogram"}, {"waveform"}),
    "two_stage": ({"spectrogram"},),
}  # trainer -> the inputs of clips that it trains on, of which the ``reads`` of its models has one set


STARTS_FROM_WEIGHTS = frozenset(
    {"random_chunks"}
)  # trainers whose training can go on from a run's network


def applied_parts(model: Model) -> set[str]:
    """The fields of an augmentation policy, such as ``masking``, that the trainer of a model applies."""
    applied = {
        "synthesis": model.augments == "training",
        "oversampling": model.trainer == "sklearn_estimator",
        "masking": model.trainer == "two_stage",
        "spec_augment": model.trainer == "supervised" and "spectrogram" in model.reads,
    }
    return {part for part, is_applied in applied.items() if is_applied}
