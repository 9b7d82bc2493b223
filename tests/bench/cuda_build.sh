#!/usr/bin/env bash
# Compiles the training worker with CUDA on a machine without a GPU: proof that the feature builds.
#
#   tests/bench/cuda_build.sh FOLDER        (about 1.3 GB there; pip, g++ and cargo are needed)
#
# CUDA's compiler and libraries come from PyPI. The wheels hold libraries under versioned names only and no
# libcuda, which is the driver's: links and a library of empty functions stand in for them while linking, so
# the worker made here runs only where a driver and CUDA 13 are installed. CUDA_COMPUTE_CAP (80 unless set)
# is the oldest card that the kernels serve.
set -euo pipefail

folder=$(mkdir -p "${1:?a folder is expected}" && cd "$1" && pwd)
cd "$(dirname "$0")/../.."

if [ ! -x "$folder/venv/bin/python" ]; then
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install --quiet nvidia-cuda-nvcc==13.0.88 'nvidia-cuda-crt==13.0.*' 'nvidia-nvvm==13.0.*' \
        'nvidia-cuda-runtime==13.0.*' 'nvidia-cuda-cccl==13.0.*' 'nvidia-curand==10.4.0.*' \
        'nvidia-cublas==13.*' 'nvidia-cuda-nvrtc==13.*'
fi
CUDA_HOME=$(echo "$folder"/venv/lib/python3*/site-packages/nvidia/cu13)

mkdir -p "$folder/link"
for library in "$CUDA_HOME"/lib/lib*.so.*; do
    name=$(basename "$library")
    ln -sf "$library" "$folder/link/${name%%.so.*}.so"
done
cargo fetch --locked --quiet
cudarc=$(cargo metadata --format-version 1 --locked --features yard_train/cuda |
    python3 -c 'import json, sys; print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"))')
grep -rhoE '\bfn cu[A-Z][A-Za-z0-9_]*' "$(dirname "$cudarc")/src/driver/sys" | awk '{print $2}' | sort -u |
    sed 's/.*/void &(void) {}/' >"$folder/cuda_stub.c"
cc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$folder/link/libcuda.so" "$folder/cuda_stub.c"

export CUDA_HOME CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80}
export PATH="$CUDA_HOME/bin:$PATH" LIBRARY_PATH="$folder/link:${LIBRARY_PATH:-}"
# `--workspace` keeps the features of all other dependencies as the other builds have them.
cargo build --locked --workspace --bin yard-trainer --features yard_train/cuda ${CARGO_PROFILE:+--profile "$CARGO_PROFILE"}
worker=${CARGO_TARGET_DIR:-target}/${CARGO_PROFILE:-debug}/yard-trainer
file=$(LD_LIBRARY_PATH="$folder/link" ldd "$worker" | grep -c 'libcu\|libnvrtc' || true)
echo "$worker is linked to $file CUDA libraries"
if "$worker" --probe; then
    echo "it runs here"
else
    echo "it does not run here (no driver): the studio then trains on the CPU and says so"
fi
