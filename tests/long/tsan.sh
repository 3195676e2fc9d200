#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The unit and end-to-end tests under ThreadSanitizer, on a GLib that is instrumented too.
# Debian's GLib is not: its locks and atomic counts are invisible to ThreadSanitizer, which then
# reports races that are none and overlooks those inside a GHashTable. The same version is built
# from Debian's source, once, into the cache folder; that takes minutes and needs the network. Where
# it cannot be built the unit tests alone run, on Debian's. As for the end-to-end tests, see
# sanitize-e2e.sh.
set -euo pipefail
. scripts/sanitized-build
. tests/long/e2e-files

export LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
version=$(dpkg-query -W -f '${source:Version}' libglib2.0-0)
if [ "$(id -u)" -eq 0 ]; then
    cache=/var/cache/openshell-host # an ordinary user reads it too
else
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/openshell-host
fi
cache=$cache/glib-tsan-$version

# The source of this version, by the apt sources of this machine, with lists of our own.
fetch_glib() {
    local own=$1/apt file
    mkdir -p "$own/sources" "$own/lists/partial" "$own/cache/archives/partial"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" > "$own/sources/${file##*/}"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$file" ] || sed -n 's/^deb /deb-src /p' "$file" > "$own/sources/${file##*/}"
    done
    set -- -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$own/sources" \
        -o Dir::State::Lists="$own/lists" -o Dir::Cache="$own/cache" -o APT::Sandbox::User=root
    # One list that cannot be had does not matter if another has the package.
    apt-get -q "$@" update || true
    apt-get -q "$@" source "glib2.0=$version"
}

build_glib() {
    local work=$cache.new
    rm -rf "$work" && mkdir -p "$work/lib"
    (cd "$work" && fetch_glib "$work" && cd glib2.0-*/ &&
        CC=clang meson setup ../build -Db_sanitize=thread -Db_lundef=false -Dtests=false \
            -Dbuildtype=debugoptimized -Dnls=disabled -Dselinux=disabled -Dlibmount=disabled \
            -Dlibelf=disabled && cd ../build &&
            ninja -t targets all | sed -n 's#^\(g[a-z]*/lib[a-z]*-2.0.so[.0-9]*\): .*#\1#p' |
            xargs ninja && find g* -maxdepth 1 -name 'lib*-2.0.so.*' ! -name '*.py' ! -type d \
            -exec cp -P --parents {} ../lib \;) > "$work/log" 2>&1 || return 1
    rm -rf "$work/build" "$work/apt"
    mv "$work" "$cache"
}

if [ ! -d "$cache" ]; then
    echo "tsan: building GLib $version with ThreadSanitizer in $cache"
    if ! build_glib; then
        tail -n 5 "$cache.new/log" >&2
        echo "tsan: GLib $version cannot be built (the whole log: $cache.new/log); it needs" \
            "dpkg-dev and a Debian mirror with sources. Running the unit tests alone, on Debian's." >&2
        sanitized_setup build-tsan thread
        ninja -C build-tsan --quiet
        TSAN_OPTIONS=exitcode=66:die_after_fork=0 exec meson test -C build-tsan --no-rebuild --num-processes 2 \
            --print-errorlogs --timeout-multiplier 4 --suite unit
    fi
fi
# DT_RPATH and not DT_RUNPATH: the libraries that a plugin needs are found by it too.
LDFLAGS="-Wl,--disable-new-dtags,-rpath,$cache/lib/glib:$cache/lib/gobject:$cache/lib/gio" \
    sanitized_setup build-tsan-glib thread
ninja -C build-tsan-glib --quiet
ldd build-tsan-glib/host/openshell-host | grep -q "$cache/lib/glib/libglib-2.0.so.0" ||
    { echo "tsan: the host does not take the GLib in $cache/lib" >&2; exit 1; }
status=0
TSAN_OPTIONS=exitcode=66:die_after_fork=0 meson test -C build-tsan-glib --no-rebuild --num-processes 2 \
    --print-errorlogs --timeout-multiplier 4 --suite unit || status=1
run_e2e_files build-tsan-glib "$1" || status=1
exit "$status"
