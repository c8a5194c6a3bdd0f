/** Loaded before a program of Node: its wall clock jumps forward an hour, and back, twice a second. */
const now = Date.now;
Date.now = () => now() + 3_600_000 * (Math.floor(performance.now() / 500) % 2);
