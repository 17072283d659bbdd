/*
 * Which sanitizers this build has: gcc tells by macros, clang by __has_feature.
 *
 * For the few places that must behave otherwise under one: memory that it should see piece by piece, stacks that it
 * makes larger.
 */
#ifndef HEARTH_BASE_SANITIZER_H
#define HEARTH_BASE_SANITIZER_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZER_ADDRESS 1
#endif
#if __has_feature(thread_sanitizer)
#define SANITIZER_THREAD 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__) && !defined(SANITIZER_ADDRESS)
#define SANITIZER_ADDRESS 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(SANITIZER_THREAD)
#define SANITIZER_THREAD 1
#endif

#ifndef SANITIZER_ADDRESS
#define SANITIZER_ADDRESS 0
#endif
#ifndef SANITIZER_THREAD
#define SANITIZER_THREAD 0
#endif

#endif
