"""mer.runtime.portable: under its limits a training gives the same bytes on every x86-64 processor.

benchmarks/portable.py shows it on emulated processors; here is what can be seen on one.
"""

import json
import os
import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

from conftest import profile_of
from mer.learn.loop import optimizer_of
from mer.runtime.portable import LIMITS, instructions_are_limited
from mer.schema.training import TrainingConfig

ADAM = TrainingConfig(
    optimizer="adam", lr=0.1, batch_size=2, max_epochs=1, smoke_test_epochs=1, stop_accuracy=None
)


@pytest.mark.parametrize("name", ["demo", "quick"])
def test_a_stage_limits_its_process_where_the_profile_is_portable(root, tmp_path, name):
    (tmp_path / "params.yaml").symlink_to(root / "params.yaml")
    code = f"""
import json, os, sys
from mer.pipeline.limits import limit_instructions
limit_instructions({name!r})
assert "torch" not in sys.modules
import torch
print(json.dumps([torch.backends.cpu.get_cpu_capability(), dict(os.environ)]))
"""
    environment = {k: v for k, v in os.environ.items() if k not in LIMITS}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    capability, seen = json.loads(done.stdout)
    assert ({k: seen.get(k) for k in LIMITS} == LIMITS) == (name == "demo")
    if name == "demo":
        assert capability == "AVX2"


def test_adam_is_fused_under_the_limits_alone(monkeypatch):
    network = torch.nn.Linear(2, 2)
    for name in LIMITS:
        monkeypatch.delenv(name, raising=False)
    assert not instructions_are_limited()
    assert not optimizer_of(network, ADAM).defaults["fused"]
    for name, value in LIMITS.items():
        monkeypatch.setenv(name, value)
    assert optimizer_of(network, ADAM).defaults["fused"]


def test_fused_adam_steps_as_adam_does(monkeypatch):
    weights = []
    for fused in (False, True):
        for name, value in LIMITS.items():
            monkeypatch.setenv(name, value if fused else "")
        torch.manual_seed(0)
        network = torch.nn.Linear(8, 4)
        optimizer = optimizer_of(network, ADAM)
        for _ in range(5):
            optimizer.zero_grad()
            network(torch.ones(3, 8)).square().sum().backward()
            optimizer.step()
        weights.append(network.weight.detach().clone())
    torch.testing.assert_close(*weights)


def test_bfloat16_is_not_portable():
    with pytest.raises(ValidationError, match="portable=true needs precision=float32"):
        profile_of(portable=True, precision="bfloat16")
