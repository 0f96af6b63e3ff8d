// Every screen of the till with invented content, for looking and for axe: `show(NAME, LANGUAGE)`. Built by tests only.

import { Locked } from "@amparo/kit/locked.tsx";
import type { Language, Table } from "@amparo/kit/words.ts";
import { _, useTable } from "@amparo/kit/words.ts";
import { render } from "preact";
import { surroundings } from "../../kit/tests/invented.ts";
import type { Day, OpenSale, Refund, TillApi } from "../src/model.ts";
import { Begin } from "../src/begin.tsx";
import { RefundCode } from "../src/refund.tsx";
import { NotTaken, Paid } from "../src/sale.tsx";
import { Frame } from "../src/frame.tsx";
import { Screens } from "../src/screens.tsx";
import type { Name, World } from "../src/state.ts";

const NOW = Math.floor(Date.now() / 1000);
const REQUEST = `CREQB1${"QYQWER9TYUIP".repeat(14)}`;
const CODE = `cashuB${"o2Fteb".repeat(60)}`;
const sale: OpenSale = { number: 12, unit: "usd", amount: 1_024, paid: 0, parts: 0, practice: false, request: REQUEST };
const day: Day = { unit: "usd", sales: 31, taken: 123_456, confirmed: 100_000, vouchers: 12_000, refunds: 1, refunded: 735, deposited: 90_000, lost: 0, stored: 23_456 };

interface Given {
  online?: boolean;
  sale?: OpenSale | null;
  refunds?: Refund[];
  full?: number;
}

function world(place: Name, about: unknown, given: Given = {}): World {
  const { online = true, full = 0.4 } = given;
  const till: Partial<TillApi> = {
    enrolment: { shop: "s", name: "Bodega Sol", access: "", units: ["usd"], lockKey: null } as unknown as TillApi["enrolment"],
    lockKey: `02${"a".repeat(64)}`,
    secondTill: () => `AMPARO-TILL:1:${"eyJhY2Nlc3MiOiJ".repeat(10)}`,
    sale: () => given.sale ?? null,
    today: () => day,
    meter: () => ({ stored: 200_000 * full, storedMost: 200_000, sales: 12, hoursAlone: 5.5, hoursMost: 72, perSale: 50_000, full }),
    sales: () => [
      { number: 1, unit: "usd", amount: 735, state: "stored" },
      { number: 2, unit: "usd", amount: 1_024, state: "waiting" },
      { number: 3, unit: "usd", amount: 400, state: "spent" },
    ],
    batch: () => ({ sum: 4_200, count: 3, bad: [{ place: 4, amount: 800, reason: "twice" }] }),
    lastStanding: () => ({ unit: "usd", deposited: 90_000, to_settle: 40_000, asked: 20_000, settled: 30_000, at: NOW - 3_600 }),
    standing: async () => ({ unit: "usd", deposited: 90_000, to_settle: 40_000, asked: 20_000, settled: 30_000, at: NOW }),
    refunds: () => given.refunds ?? [],
  };
  return {
    ...surroundings(place, about, online),
    till: till as TillApi,
    keep: { hasPin: () => false, changePin: async () => undefined, wipe: async () => undefined, forks: () => [] },
    charge: async () => undefined,
  };
}

const refund: Refund = { number: 1, code: CODE, amount: 735, unit: "usd" };
const framed = (place: Name, about?: unknown, given?: Given) => () => {
  const shown = world(place, about, given);
  return (
    <Frame world={shown}>
      <Screens world={shown} />
    </Frame>
  );
};

const SCREENS: Readonly<Record<string, () => preact.JSX.Element>> = {
  locked: () => <Locked pin={true} said={_("That is not the PIN.")} warning="" onPin={() => undefined} wipe={async () => undefined} />,
  begin: () => <Begin online scanner={async () => undefined} onCode={async () => undefined} />,
  amount: framed("amount"),
  "amount-offline": framed("amount", undefined, { online: false }),
  "amount-full": framed("amount", undefined, { online: false, full: 1 }),
  scan: framed("scan", undefined, { sale }),
  partly: framed("scan", undefined, { sale: { ...sale, paid: 600, parts: 1 } }),
  practice: framed("practice"),
  paid: () => <Paid world={world("scan", undefined)} taken={{ state: "paid", confirmed: false, amount: 1_024, missing: 0 }} unit="usd" practice={false} onDone={() => undefined} />,
  refused: () => <NotTaken shop="Bodega Sol" failure={{ code: "till.taken_before", until: 0 }} onNext={() => undefined} />,
  vouchers: framed("vouchers"),
  money: framed("money"),
  "money-offline": framed("money", undefined, { online: false }),
  refund: framed("refund", 0),
  "refund-open": framed("refund", 0, { refunds: [refund] }),
  "refund-code": () => (
    <Frame world={world("refund", 0)}>
      <RefundCode world={world("refund", 0)} refund={refund} />
    </Frame>
  ),
  day: framed("day"),
  more: framed("more"),
  settings: framed("settings"),
  second: framed("second"),
};

Object.assign(globalThis, {
  screens: Object.keys(SCREENS),
  show(name: string, language: Language, table: Table) {
    const root = document.getElementById("app");
    const screen = SCREENS[name];
    if (!root || !screen) return;
    useTable(language, table);
    render(null, root);
    render(screen(), root);
  },
});
