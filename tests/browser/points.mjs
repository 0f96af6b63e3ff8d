// Given to each page before its scripts: counts every effect that the app has outside its own memory, and stops the app at one of them.
//
// A point is the moment after an effect: a request is on its way, its answer is there and not read yet, a step of the database is on its
// way, is done and the app has not heard of it, a mark stands in `localStorage`. Between two effects an app only computes: whatever await
// it dies at, disk and services are as after the effect before. From the stop on nothing that the app does has any effect.

/** The script. `armed` and `stopped` speak to the test (phone.mjs). */
export const POINTS = () => {
  let armed = null;
  let count = 0;
  let isOver = false;
  const never = () => new Promise(() => undefined);
  /** Passes a point; whether the app ends here. */
  const pass = (name) => {
    if (isOver || armed === null) return isOver;
    count += 1;
    if (armed.at !== count && !(armed.name && name.startsWith(armed.name))) return false;
    isOver = true;
    globalThis.stopped(name);
    return true;
  };
  globalThis.arm = (at) => {
    [armed, count] = [at, 0];
  };

  const send = globalThis.fetch;
  globalThis.fetch = async (asked, options) => {
    const url = new URL(asked instanceof Request ? asked.url : asked, location.href);
    if (url.origin === location.origin) return send(asked, options);
    if (isOver) return never();
    const what = `${options?.method ?? "GET"} ${url.pathname}`;
    const coming = send(asked, options);
    if (pass(`sent ${what}`)) {
      coming.catch(() => undefined);
      return never();
    }
    const answer = await coming;
    return pass(`answered ${what}`) ? never() : answer;
  };

  const begin = IDBDatabase.prototype.transaction;
  IDBDatabase.prototype.transaction = function (stores, mode, options) {
    if (mode !== "readwrite") return begin.call(this, stores, mode, options);
    if (isOver) throw new DOMException("the phone is dead", "InvalidStateError");
    const step = begin.call(this, stores, mode, options);
    const isDead = pass(`writing ${stores}`);
    step.addEventListener("complete", (event) => {
      if (isDead || pass(`written ${stores}`)) event.stopImmediatePropagation();
    });
    return step;
  };

  const mark = Storage.prototype.setItem;
  Storage.prototype.setItem = function (name, value) {
    if (isOver) return;
    mark.call(this, name, value);
    pass(`marked ${name}`);
  };
};
