"""The same bytes on every x86-64 processor: what torch, oneDNN and MKL may use of a processor.

Without limits each library takes the widest instructions that it finds, and so adds up in another order:
the score of the demo system moved between 0.47 and 0.76 with the kind of processor. Under these limits,
and with ``torch.optim.Adam(fused=True)`` (``torch.sqrt``, which a step of Adam otherwise needs, is not
rounded correctly), an emulated Intel Haswell and an AMD processor with AVX-512 trained the CNN, the CNN
with GRU, the CRNN and the Hybrid to the same bytes, and an emulated AMD EPYC-Rome all of these but the
CRNN, which was not tried (``benchmarks/portable.py``). RMSprop, the optimizer of SincNet, has no fused
form.
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


def instructions_are_limited() -> bool:
    """Whether this process computes under the limits."""
    return all(os.environ.get(name) == value for name, value in LIMITS.items())
