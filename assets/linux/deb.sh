#!/usr/bin/env bash
# Builds a Debian package of the studio, the command line, the server and the training worker.
#
#   assets/linux/deb.sh [OUT_FOLDER]        needs cargo, a C compiler and dpkg-deb
#
# Installed: /usr/bin/{modelyard,yard-serve,yard-trainer}, desktop entry, MIME types (.modelyard opens the studio on a double
# click), icon, licences. The same sources and toolchain give the same bytes: files carry the time of the last commit.
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(mkdir -p "${1:-target}" && cd "${1:-target}" && pwd)

cargo build --release --locked --workspace --bin modelyard --bin yard-serve --bin yard-trainer
release=${CARGO_TARGET_DIR:-target}/release
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
machine=$(dpkg --print-architecture)
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.lock)
export SOURCE_DATE_EPOCH

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
install -Dm755 -t "$root/usr/bin" "$release/modelyard" "$release/yard-serve" "$release/yard-trainer"
install -Dm644 -t "$root/usr/share/applications" assets/linux/modelyard.desktop
install -Dm644 -t "$root/usr/share/mime/packages" assets/linux/modelyard.xml
install -Dm644 -t "$root/usr/share/icons/hicolor/scalable/apps" assets/icons/modelyard.svg
install -Dm644 -t "$root/usr/share/icons/hicolor/256x256/apps" assets/icons/modelyard.png
install -Dm644 -t "$root/usr/share/doc/modelyard" LICENSE-MIT LICENSE-APACHE README.md CHANGELOG.md
mkdir -p "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<CONTROL
Package: modelyard
Version: $version
Architecture: $machine
Maintainer: The Modelyard developers <modelyard@localhost>
Section: science
Priority: optional
Installed-Size: $(du -sk "$root/usr" | cut -f1)
Depends: libc6 (>= 2.34), libgcc-s1
Recommends: libgl1, libegl1, libvulkan1, libxkbcommon0, libxkbcommon-x11-0, libx11-6, libx11-xcb1, libxcursor1, libxi6, libwayland-client0, shared-mime-info, desktop-file-utils
Suggests: zenity
Description: studio for machine learning models, from the data to the endpoint
 Frames the decision, trains, evaluates, packages, deploys and monitors models on this machine, in a window
 and on the command line, without an account or a network.
CONTROL
find "$root" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group --build "$root" "$out/modelyard_${version}_${machine}.deb"
