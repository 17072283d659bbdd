import { webcrypto } from "node:crypto";

// To be imported before the SDK: keeps its log out of the results of the tests, and its long timers (for requests that
// get lost, for instance) from keeping the process when the tests are done.
for (const level of ["trace", "debug", "log", "info", "warn", "error"]) console[level] = () => {};

const LONG = 10000;
const { setTimeout } = globalThis;
globalThis.setTimeout = (work, ms, ...rest) => {
    const timer = setTimeout(work, ms, ...rest);
    return ms >= LONG ? timer.unref() : timer;
};

// The SDK counts on it; Node 18 has it only as a module.
globalThis.crypto ??= webcrypto;
