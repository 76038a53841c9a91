"""The same bytes on every x86-64 processor: what torch, oneDNN and MKL may use of a processor.

Left alone, each library takes the widest instructions that it finds, and so adds up in another order: the
score of the demo system moved between 0.47 and 0.76 with the kind of processor. Under these limits, with
``torch.optim.Adam(fused=True)`` (``torch.sqrt`` is not rounded correctly, which a step of Adam else needs),
an emulated Intel Haswell, an emulated AMD EPYC-Rome and a current AMD processor trained the Hybrid, the CNN
and the CNN with GRU to the same bytes. RMSprop (SincNet) has no fused form.
"""

import os

LIMITS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_CBWR": "COMPATIBLE",  # MKL_CBWR=AVX2 has no effect on AMD processors
}


def limit_instructions() -> None:
    """Limit this process, and those that it starts; torch must not have computed anything yet."""
    os.environ.update(LIMITS)


def limited() -> bool:
    """Whether this process computes under the limits."""
    return all(os.environ.get(name) == value for name, value in LIMITS.items())
