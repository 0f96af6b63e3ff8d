// Phones that die: each deed of a wallet and a till is begun, the phone dies at one point of it (points.mjs), is opened again with what is
// on its disk, recovers, and does the deed if it is not done; then the books are reported. Speaks lines of JSON: told first
// { chromium, wallet, till, folder, key, shop_code, plan }, then asks ({ ask }) and reports ({ report: DEED }), each answered.
// `plan`: for each deed, deaths as { kind, at }; `at` is a point's number or name, or "each" for all of them, one after the other.
import { next, play, say } from "./lines.mjs";
import { pause } from "./phone.mjs";
import { again, charge, claimed, closeSale, enrolled, enrolledTill, hurried, isHome, isPaid, opened, showsCode, toAdd, toClaim, toConfirm, toTake } from "./steps.mjs";

const told = await next();

// --- the wallet -------------------------------------------------------------------------------------------------------------------------

/** Pays all that there is, and receives one coin. */
async function emptied(one) {
  const { coins } = await one.books();
  const all = coins.filter(({ state }) => state === "ready").reduce((sum, { amount }) => sum + amount, 0);
  if (all > 0) {
    await one.press("Type the amount");
    await one.type(all);
    await one.touch("Show the code");
    await one.until(showsCode(one), hurried(one));
    await again(one);
  }
  await toAdd(one, await say({ ask: "plain", amount: COIN, for: "wallet" }));
  await one.touch("Add to your aid");
  await one.until(isHome(one), hurried(one));
}

const count = async (one, kind, states) => (await one.books()).lines.filter((each) => each.kind === kind && states.includes(each.state)).length;
const PAY = 5;
const COIN = 64;

/** What a wallet does. `fresh`: each death needs a phone of its own. `ready` leads to the last touch, `touch` is it, `end` when it is
 * done on the screen; `isDone` by the books, of the phone that was `begun`. */
const WALLET_DEEDS = {
  claim: {
    fresh: true,
    begin: async () => {
      const household = await say({ ask: "household" });
      return { one: await enrolled(told, household), worth: household.aid };
    },
    ready: ({ one }) => toClaim(one),
    touch: ({ one }) => one.touch("Take your aid"),
    end: ({ one }) => one.until(isHome(one)),
    isDone: async ({ one }) => (await count(one, "claimed", ["done"])) === 1,
  },
  pay: {
    begin: async (deed) => ({ ...deed, request: await say({ ask: "request", amount: PAY, key: told.key }), paid: await count(deed.one, "paid", ["waiting"]) }),
    ready: ({ one, request }) => toConfirm(one, request),
    touch: ({ one }) => one.touch("Pay"),
    end: ({ one }) => one.until(showsCode(one), hurried(one)),
    isDone: async ({ one, paid }) => (await count(one, "paid", ["waiting"])) === paid + 1,
  },
  receive: {
    begin: async (deed) => ({ ...deed, code: await say({ ask: "plain", amount: PAY, for: "wallet" }), came: (await count(deed.one, "received", ["done"])) }),
    ready: ({ one, code }) => toAdd(one, code),
    touch: ({ one }) => one.touch("Add to your aid"),
    end: ({ one }) => one.until(isHome(one), hurried(one)),
    isDone: async ({ one, came }) => (await count(one, "received", ["done"])) === came + 1,
  },
  // After the others: it empties the wallet, so that an amount has to be changed.
  "pay first": {
    begin: async (deed) => {
      await emptied(deed.one);
      return { ...deed, paid: await count(deed.one, "paid", ["waiting"]) };
    },
    ready: async ({ one }) => {
      await one.press("Type the amount");
      await one.type(PAY);
    },
    touch: ({ one }) => one.touch("Show the code"),
    end: ({ one }) => one.until(showsCode(one), hurried(one)),
    isDone: async ({ one, paid }) => (await count(one, "paid", ["waiting"])) === paid + 1,
  },
};

// --- the till ---------------------------------------------------------------------------------------------------------------------------

const SALE = 8;

/** Taking a code. What is taken is stored by the books once the open sale has a part. */
function taking(kind, { online }) {
  return {
    begin: async (deed) => ({ ...deed, code: await say({ ask: kind, amount: SALE, key: told.key, for: "till" }) }),
    ready: async ({ one, code }) => {
      const { sale } = await one.books();
      if (!online) await one.offline(true);
      if (!sale) await charge(one, SALE);
      await toTake(one, code);
    },
    touch: ({ one }) => one.touch("Take this code"),
    end: ({ one }) => one.until(isPaid(one)),
    isDone: async ({ one }) => {
      const { sale, parts } = await one.books();
      return sale !== null && parts.some((part) => part.sale === sale.number && part.amount === SALE);
    },
    close: async ({ one }) => {
      await closeSale(one);
      if (!online) await one.offline(false);
    },
  };
}

const TILL_DEEDS = {
  "take locked": taking("locked", { online: true }),
  "take locked, alone": taking("locked", { online: false }),
  "take unlocked": taking("plain", { online: true }),
  deposit: {
    begin: async (deed) => {
      const { one } = deed;
      const code = await say({ ask: "locked", amount: SALE, key: told.key, for: "till" });
      await one.offline(true);
      await charge(one, SALE);
      await toTake(one, code);
      await one.touch("Take this code");
      await closeSale(one);
      await one.offline(false);
      return deed;
    },
    ready: async ({ one }) => {
      await again(one);
      await one.press("More");
      await one.page.locator(".choice", { hasText: "Money" }).click();
      await one.page.locator("dl.facts").waitFor();
    },
    touch: ({ one }) => one.touch("Send in what is stored"),
    end: ({ one }) => one.until(async () => (await one.page.getByText("is sent in.").count()) > 0),
    isDone: async ({ one }) => (await one.books()).coins.length === 0,
  },
};

// --- deaths -----------------------------------------------------------------------------------------------------------------------------

/** The app is quiet: what it does by itself after it was opened is over. */
async function quiet(one) {
  let last = -1;
  for (let same = 0; same < 5; await pause(60)) {
    const now = await one.page.evaluate(() => performance.getEntriesByType("resource").length);
    same = now === last ? same + 1 : 0;
    last = now;
  }
}

/** Begins a deed, lets the phone die at a point of it, opens it again and does what is not done. Reports; whether the phone died. */
async function once(name, deed, carried, { kind, at }) {
  const begun = await deed.begin(carried);
  const { one } = begun;
  await deed.ready(begun);
  await quiet(one);
  await one.arm(typeof at === "number" ? { at } : { name: at });
  await deed.touch(begun);
  const how = await deed.end(begun);
  const point = one.stop;
  if (how === "stopped") {
    await one.die(kind);
    await opened(one);
  } else {
    await one.disarm();
  }
  const wasDone = await deed.isDone(begun);
  if (!wasDone) {
    await deed.ready(begun);
    await deed.touch(begun);
    await deed.end(begun);
  }
  const isDone = await deed.isDone(begun);
  await deed.close?.(begun);
  const books = await one.books();
  await say({ report: name, kind, at, died: how === "stopped", point, wasDone, isDone, worth: begun.worth ?? null, phone: one.folder, ...books, faults: one.faults.splice(0) });
  if (deed.fresh) await one.off();
  else await again(one);
  return how === "stopped";
}

async function playDeed(name, deed, one, { kind, at }) {
  if (at !== "each") return void (await once(name, deed, { one }, { kind, at }));
  for (let number = 1; await once(name, deed, { one }, { kind, at: number }); number += 1);
}

async function main() {
  const wanted = (deeds) => Object.entries(deeds).filter(([name]) => (told.plan[name] ?? []).length > 0);
  const each = async (deeds, one) => {
    for (const [name, deed] of deeds) for (const death of told.plan[name]) await playDeed(name, deed, one, death);
  };
  await each(wanted(WALLET_DEEDS).filter(([name]) => name === "claim"));
  const paying = wanted(WALLET_DEEDS).filter(([name]) => name !== "claim");
  if (paying.length > 0) {
    const wallet = await claimed(told, await say({ ask: "household" }));
    await each(paying, wallet);
    await wallet.off();
  }
  const selling = wanted(TILL_DEEDS);
  if (selling.length > 0) {
    const till = await enrolledTill(told);
    await each(selling, till);
    await till.off();
  }
}

await play(main);
