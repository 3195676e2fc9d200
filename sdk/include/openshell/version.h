/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.h: which ABI these headers are, and what a plugin was written for.
 *
 * docs/abi.md says how the ABI grows. A plugin that does not care defines nothing: it may use
 * whatever is here, and is warned of what is deprecated. One that is to run on older hosts too
 * defines %OSH_VERSION_MAX_ALLOWED and %OSH_VERSION_MIN_REQUIRED before it includes anything:
 *
 * |[
 * cc -DOSH_VERSION_MIN_REQUIRED=OSH_VERSION_1_0 -DOSH_VERSION_MAX_ALLOWED=OSH_VERSION_1_0 ...
 * ]|
 */
#pragma once

/** OSH_ABI_MAJOR: a plugin of another major is refused; the major is also in the entry's name. */
#define OSH_ABI_MAJOR 1
/** OSH_ABI_MINOR: raised whenever something is appended. */
#define OSH_ABI_MINOR 0

/**
 * OSH_ABI_CHECK:
 * @major: of the ABI that the source was written for
 * @minor: of the same
 *
 * A constant expression, for `#if` and for G_STATIC_ASSERT().
 *
 * Returns: whether these headers are of that major and have everything of that minor
 */
#define OSH_ABI_CHECK(major, minor) (OSH_ABI_MAJOR == (major) && OSH_ABI_MINOR >= (minor))

/**
 * OSH_ENCODE_VERSION:
 * @major: of the ABI
 * @minor: of the ABI
 *
 * Returns: one number that orders versions
 */
#define OSH_ENCODE_VERSION(major, minor) ((major) << 16 | (minor))

/** OSH_VERSION_1_0: ABI 1.0, for %OSH_VERSION_MIN_REQUIRED and %OSH_VERSION_MAX_ALLOWED. */
#define OSH_VERSION_1_0 OSH_ENCODE_VERSION(1, 0)

/** OSH_VERSION_CURRENT: the ABI of these headers. */
#define OSH_VERSION_CURRENT OSH_ENCODE_VERSION(OSH_ABI_MAJOR, OSH_ABI_MINOR)

/**
 * OSH_VERSION_MIN_REQUIRED:
 *
 * The oldest ABI that the plugin is to work with; defined by the plugin, otherwise the current one.
 * What was deprecated in it or before it is a warning, what was deprecated later is not.
 */
#ifndef OSH_VERSION_MIN_REQUIRED
#define OSH_VERSION_MIN_REQUIRED OSH_VERSION_CURRENT
#endif

/**
 * OSH_VERSION_MAX_ALLOWED:
 *
 * The newest ABI of which the plugin may use anything; defined by the plugin, otherwise the current
 * one. The use of what was added later is a warning.
 */
#ifndef OSH_VERSION_MAX_ALLOWED
#define OSH_VERSION_MAX_ALLOWED OSH_VERSION_CURRENT
#endif

#if OSH_VERSION_MAX_ALLOWED < OSH_VERSION_MIN_REQUIRED
#error "OSH_VERSION_MAX_ALLOWED must not be before OSH_VERSION_MIN_REQUIRED"
#endif

/** OSH_DEPRECATED: before a declaration: its use is a warning. */
#define OSH_DEPRECATED __attribute__((__deprecated__))
/**
 * OSH_DEPRECATED_FOR:
 * @replacement: what to use
 *
 * Before a declaration: its use is a warning that names @replacement.
 */
#define OSH_DEPRECATED_FOR(replacement)                                                            \
    __attribute__((__deprecated__("use '" #replacement "' instead")))
/**
 * OSH_UNAVAILABLE:
 * @major: of the ABI that added it
 * @minor: of the same
 *
 * Before a declaration: its use is a warning that names the version.
 */
#define OSH_UNAVAILABLE(major, minor)                                                              \
    __attribute__((__deprecated__("not in the plugin ABI before " #major "." #minor)))

/* One block for each minor; the headers use these and nothing above. */

/** OSH_DEPRECATED_IN_1_0: deprecated from 1.0 on. */
/**
 * OSH_DEPRECATED_IN_1_0_FOR:
 * @replacement: what to use
 *
 * Deprecated from 1.0 on.
 */
#if OSH_VERSION_MIN_REQUIRED >= OSH_VERSION_1_0
#define OSH_DEPRECATED_IN_1_0                  OSH_DEPRECATED
#define OSH_DEPRECATED_IN_1_0_FOR(replacement) OSH_DEPRECATED_FOR(replacement)
#else
#define OSH_DEPRECATED_IN_1_0
#define OSH_DEPRECATED_IN_1_0_FOR(replacement)
#endif

/** OSH_AVAILABLE_IN_1_0: there from 1.0 on. */
#if OSH_VERSION_MAX_ALLOWED < OSH_VERSION_1_0
#define OSH_AVAILABLE_IN_1_0 OSH_UNAVAILABLE(1, 0)
#else
#define OSH_AVAILABLE_IN_1_0
#endif
