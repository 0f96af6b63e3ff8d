// Every screen of the wallet with invented content, for looking and for axe: `show(NAME, LANGUAGE)`. Built by tests only.

import type { Language } from "@amparo/kit/words.ts";
import { Locked } from "@amparo/kit/locked.tsx";
import { _, useTable } from "@amparo/kit/words.ts";
import type { Table } from "@amparo/kit/words.ts";
import { render } from "preact";
import { surroundings } from "../../kit/tests/invented.ts";
import type { Asked, Entry, Holding, Paper, Payment, WalletApi, Ways } from "../src/model.ts";
import type { CardApi, KeptCard } from "../src/card.ts";
import { Frame } from "../src/frame.tsx";
import { Screens } from "../src/screens.tsx";
import type { Name, World } from "../src/state.ts";
import { Welcome } from "../src/welcome.tsx";

const NOW = Math.floor(Date.now() / 1000);
const ENDS = NOW + 40 * 86_400;
const CODE = `cashuB${"o2Fteb".repeat(60)}`;
const LONG = `cashuB${"o2Fteb".repeat(160)}`;

const CARD: KeptCard = { code: "NCF.A0J00DFWXQG.FKTK06U0FEH".repeat(13), form: "sealed" };

const entries: Entry[] = [
  { number: 4, kind: "paid", state: "waiting", amount: 735, unit: "usd", until: 0 },
  { number: 3, kind: "aside", state: "later", amount: 2_000, unit: "usd", until: NOW + 86_400 },
  { number: 2, kind: "paid", state: "done", amount: 1_024, unit: "usd", until: 0 },
  { number: 1, kind: "claimed", state: "done", amount: 12_000, unit: "usd", until: 0 },
];
const yes: Paper = { bundle: { receipt: "" }, amount: 12_000, unit: "usd", approved: true, claimed: false, quote: null };
const no: Paper = { bundle: { receipt: "" }, amount: 0, unit: "usd-medicine", approved: true, claimed: false, quote: null };
const asked: Asked = { amount: 735, unit: "usd", lockKey: `02${"a".repeat(64)}`, lockUntil: 0 };
const payment: Payment = { number: 4, code: CODE, amount: 735, unit: "usd", locked: true };

function invented(empty: boolean): WalletApi {
  const ways: Ways = { ahead: false, plain: true, online: true, near: { below: 700, above: 740 }, rests: NOW + 7_200 };
  const known: Partial<WalletApi> = {
    units: () => (empty ? [] : ["usd", "usd-medicine"]),
    holding: (unit): Holding => ({ unit, balance: unit === "usd" ? 1_234_567 : 800, resting: [{ until: NOW + 7_200, amount: 2_000 }], waiting: 735, aside: 2_000, ended: 0 }),
    nextEnd: () => ({ amount: 11_200, finalExpiry: ENDS, warnFrom: NOW }),
    activity: () => (empty ? [] : entries),
    isEnrolled: () => !empty,
    papers: () => (empty ? [] : [yes, no]),
    aid: (paper) => ({
      programme: "food-basket",
      cycle: "2026-11",
      amount: paper.amount,
      unit: paper.unit,
      approved: true,
      due: paper.amount > 0,
      taken: false,
      crowd: 812,
      crowdNeeded: 20,
      payFrom: NOW + 7_200,
    }),
    fetchPapers: async () => [yes, no],
    ways: () => ways,
    waysOf: () => ways,
    payment: () => payment,
    readRequest: () => asked,
    isRecoveryTested: () => false,
    recoveryCode: () => "0123 4567 8901 2345 6789 0123 4567 8901 2345 6789 0123 4567 8901 2345",
    recoveryQr: () => "AMPARO-RECOVERY:01234567890123456789012345678901234567890123456789012345",
    isRestoring: () => false,
  };
  return known as WalletApi;
}

function shelf(card: KeptCard | null): CardApi {
  return { kept: () => card, keep: async () => CARD, drop: async () => undefined };
}

function world(place: Name, about: unknown, { empty = false, online = true } = {}): World {
  return {
    ...surroundings(place, about, online),
    wallet: invented(empty),
    keep: {
      hasPin: () => true,
      changePin: async () => undefined,
      wipe: async () => undefined,
      forks: () => (place === "more" ? ["{}"] : []),
      explain: async () => ({
        reasons: [
          { met: true, text: "El hogar tiene niños menores de 5 años." },
          { met: false, text: "El ingreso por persona es menor que 60.00." },
        ],
        facts: [
          ["ingreso mensual", "212.40"],
          ["cuartos", "2"],
        ],
        people: [[["fecha de nacimiento", "1984-03-02"]]],
      }),
      proof: async () => "{}",
      card: shelf(empty ? null : CARD),
    },
  };
}

const SCREENS: Readonly<Record<string, () => World | "welcome" | "locked">> = {
  welcome: () => "welcome",
  "welcome-open": () => "welcome",
  locked: () => "locked",
  "home-empty": () => world("home", undefined, { empty: true }),
  home: () => world("home", undefined),
  "home-offline": () => world("home", undefined, { online: false }),
  pay: () => world("pay", undefined),
  amount: () => world("amount", undefined),
  "amount-offline": () => world("amount", undefined, { online: false }),
  confirm: () => world("confirm", asked),
  "confirm-offline": () => world("confirm", asked, { online: false }),
  code: () => world("code", payment),
  "code-frames": () => world("code", { ...payment, code: LONG, locked: false }),
  aside: () => world("aside", asked),
  receive: () => world("receive", undefined),
  enrol: () => world("enrol", undefined, { empty: true }),
  activity: () => world("activity", undefined),
  entry: () => world("entry", 4),
  papers: () => world("papers", undefined),
  paper: () => world("paper", 0),
  "paper-no": () => world("paper", 1),
  complain: () => world("complain", { place: 1, code: "" }),
  "complain-false": () => world("complain", { place: 1, code: "rules.does_not_follow_rule" }),
  copy: () => world("copy", undefined),
  restore: () => world("restore", undefined),
  settings: () => world("settings", undefined),
  more: () => world("more", undefined),
  "card-none": () => world("card", undefined, { empty: true }),
  card: () => world("card", undefined),
};

// A phone that gives files to its other apps.
Object.assign(navigator, { canShare: () => true });
Object.assign(globalThis, {
  screens: Object.keys(SCREENS),
  show(name: string, language: Language, table: Table) {
    const root = document.getElementById("app");
    if (!root) return;
    useTable(language, table);
    render(null, root);
    const found = SCREENS[name]?.() ?? "welcome";
    localStorage.setItem("amparo", JSON.stringify({ shown: true, language }));
    if (found === "locked") {
      const said = _("What this phone kept is damaged or an old copy. Ask for help before you throw it away.");
      render(<Locked pin={false} said={said} warning="" onPin={() => undefined} wipe={async () => undefined} />, root);
      return;
    }
    render(
      found === "welcome" ? (
        <Welcome onStart={() => undefined} onRestore={() => undefined} redraw={() => undefined} />
      ) : (
        <Frame world={found}>
          <Screens world={found} />
        </Frame>
      ),
      root,
    );
    if (name.endsWith("-open")) for (const each of root.querySelectorAll("details")) each.open = true;
  },
});
