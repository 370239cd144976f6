// Waiting for a sign instead of sleeping: conditions are asked again until they hold or the time is up.

// Sanitizer builds are several times slower; every limit of time in the tests goes through this.
export const slow = process.env.SAN === '1' ? 4 : 1;

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// The first truthy value of fn (may be async; a throw counts as "not yet"), or an error that says what was missing.
export async function until(what, fn, { ms = 30_000, every = 20 } = {}) {
  const end = performance.now() + ms * slow;
  let last;
  for (;;) {
    try {
      const value = await fn();
      if (value) return value;
      last = undefined;
    } catch (e) {
      last = e;
    }
    if (performance.now() > end) {
      throw new Error(`waited ${ms * slow} ms in vain for: ${what}${last ? ` (last: ${last.message})` : ''}`);
    }
    await sleep(every);
  }
}

// promise, or an error that says what took too long.
export async function within(what, ms, promise) {
  let timer;
  const late = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new Error(`took over ${ms * slow} ms: ${what}`)), ms * slow);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Something a test holds back until it lets go: { opened: a promise, open() }.
export function gate() {
  let open;
  const opened = new Promise((done) => { open = done; });
  return { opened, open };
}

// fn over all items, at most width at a time; results in order.
export async function pool(width, items, fn) {
  const out = new Array(items.length);
  let next = 0;
  await Promise.all(
    Array.from({ length: Math.min(width, items.length) }, async () => {
      while (next < items.length) {
        const i = next++;
        out[i] = await fn(items[i], i);
      }
    }),
  );
  return out;
}
