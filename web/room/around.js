// What the browser tells about itself: the network comes and goes, the page is hidden and shown, the machine slept.

/**
 * @param {{tickMs: number, online: () => void, offline: () => void, shown: (hiddenMs: number) => void, focused: () => void, tick: (lateMs: number) => void}} on
 * @returns {() => void} stops listening
 */
export function watchBrowser(on) {
  const undo = [];
  const listen = (target, name, act) => {
    target?.addEventListener?.(name, act);
    undo.push(() => target?.removeEventListener?.(name, act));
  };
  let hiddenAt = 0;
  listen(globalThis, 'online', on.online);
  listen(globalThis, 'offline', on.offline);
  listen(globalThis, 'focus', on.focused);
  listen(globalThis.document, 'visibilitychange', () => {
    if (hidden()) hiddenAt = Date.now();
    else on.shown(hiddenAt ? Date.now() - hiddenAt : 0);
  });
  let last = Date.now();
  const timer = setInterval(() => {
    const late = Date.now() - last - on.tickMs;
    last = Date.now();
    on.tick(late);
  }, on.tickMs);
  undo.push(() => clearInterval(timer));
  return () => undo.splice(0).forEach((one) => one());
}

export const hidden = () => globalThis.document?.visibilityState === 'hidden';
export const watching = () => !globalThis.document || (document.visibilityState === 'visible' && document.hasFocus());
export const offline = () => globalThis.navigator?.onLine === false;
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A pause that ends early when the network comes back. */
export function pauseOrOnline(ms) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    globalThis.addEventListener?.('online', done, { once: true });
  });
}
