// T9 in the wallet: wherever it dies, nothing is lost or paid twice, and the next try does what this one began.

import assert from "node:assert/strict";
import { test } from "node:test";

import { readToken } from "@amparo/cashu/nut00_token.ts";
import { isError } from "@amparo/cashu/errors.ts";
import { coin } from "@amparo/purse/store.ts";

import { type Phone, SHOP_KEY, paperOf, phone, request } from "./house.ts";

const AMOUNT = 31;
type Story = (one: Phone) => Promise<() => Promise<unknown>>;

const claim: Story = async (one) => {
  const paper = paperOf("nov", AMOUNT);
  one.office.papers = [paper];
  return async () => one.wallet.claim(paper, { hurry: true });
};

async function filled(one: Phone): Promise<void> {
  await one.fill(AMOUNT);
  one.rest();
}

const shopFirst: Story = async (one) => {
  await filled(one);
  return async () => {
    if (waiting(one) === 0) await one.wallet.pay(one.wallet.readRequest(request(20)), { hurry: true });
  };
};

const personFirst: Story = async (one) => {
  await filled(one);
  return async () => {
    if (waiting(one) === 0) await one.wallet.payAmount(20, "food");
  };
};

const ahead: Story = async (one) => {
  await filled(one);
  return async () => {
    if (one.wallet.holding("food").aside === 0) await one.wallet.lockAhead(20, "food", SHOP_KEY, { hurry: true });
  };
};

const backAtOnce: Story = async (one) => {
  await filled(one);
  const { number } = await one.wallet.payAmount(20, "food");
  return async () => one.wallet.takeBack(number);
};

const backLate: Story = async (one) => {
  await filled(one);
  const asked = one.wallet.readRequest(request(20));
  await one.wallet.pay(asked, { hurry: true });
  one.town.now += 22 * 86_400;
  return async () => one.wallet.upkeep("food");
};

const receive: Story = async (one) => {
  const other = await phone(77, one.town);
  await other.fill(AMOUNT);
  const { code } = await other.wallet.payAmount(AMOUNT, "food");
  return async () => {
    if (one.wallet.holding("food").balance === 0) await one.wallet.receive(code);
  };
};

const STORIES: Record<string, Story> = { claim, shopFirst, personFirst, ahead, backAtOnce, backLate, receive };

function waiting(one: Phone): number {
  return one.wallet.holding("food").waiting;
}

/** Every waiting payment can be shown again, and its code is worth what its line says. */
function checkLines(one: Phone, when: string): void {
  for (const entry of one.wallet.activity().filter(({ state }) => state === "waiting")) {
    const payment = one.wallet.payment(entry.number);
    const proofs = readToken(payment?.code ?? "", { keysets: [] }).proofs;
    assert.equal(proofs.reduce((sum, { amount }) => sum + amount, 0), entry.amount, when);
    assert.ok(proofs.every(({ secret }) => coin(one.vault, secret)?.state === "given"), when);
  }
}

for (const [name, story] of Object.entries(STORIES)) {
  // What arrives twice differs in what is asked, not in who asks.
  for (const wire of name === "claim" || name === "shopFirst" ? (["once", "doubled"] as const) : (["once"] as const)) {
    test(`${name}: a wallet that dies at any step loses and doubles nothing (answers ${wire})`, async () => {
      let lived = false;
      for (let deaths = 1; !lived; deaths++) {
        const one = await phone(deaths);
        const work = await story(one);
        one.wire = wire;
        lived = await one.attempt(work, deaths);
        const when = `died at step ${deaths}`;
        checkLines(one, when);
        await work();
        assert.equal(one.value(), AMOUNT, when);
        const { balance, waiting: given, aside, ended } = one.wallet.holding("food");
        assert.equal(balance + given + aside + ended, AMOUNT, when);
        assert.equal(one.waiting, 0, when);
        checkLines(one, when);
        const isEnd = one.wallet.activity().filter(({ kind }) => kind === "claimed" || kind === "received").length === 1;
        assert.ok(isEnd, `${when}: a line is missing or stands twice`);
      }
    });
  }
}

test("a random life of two wallets with deaths keeps every cent", async () => {
  for (let seed = 1; seed <= 2; seed++) await randomLife(seed);
});

async function randomLife(seed: number): Promise<void> {
  const one = await phone(seed);
  const two = await phone(seed, one.town);
  const { chance, mint } = one.town;
  await one.fill(100);
  await two.fill(60);
  const acts: ((from: Phone, to: Phone) => Promise<unknown>)[] = [
    async (from) => {
      const paper = paperOf(`s${from.office.papers.length}`, chance.between(1, 60));
      from.office.papers.push(paper);
      await from.wallet.claim(paper, { hurry: true });
    },
    async (from, to) => {
      const { code } = await from.wallet.payAmount(chance.between(1, 25), "food", { change: true, hurry: true });
      await to.wallet.receive(code, { hurry: true });
    },
    async (from) => from.wallet.pay(from.wallet.readRequest(request(chance.between(1, 25))), { hurry: true }),
    async (from) => {
      const entry = from.wallet.activity().find(({ state }) => state === "waiting" || state === "later");
      if (entry) await from.wallet.takeBack(entry.number, { hurry: true });
    },
    async (from) => from.wallet.upkeep("food"),
    async () => (one.town.now += chance.between(1, 9) * 86_400),
  ];
  for (let round = 0; round < 40; round++) {
    const [from, to] = chance.between(0, 1) ? [one, two] : [two, one];
    const act = acts[chance.between(0, acts.length - 1)];
    // The one who acts may die; the other lives, but may be told that the answer was lost.
    try {
      await from.attempt(async () => act?.(from, to), chance.between(0, 1) ? chance.between(1, 24) : null);
    } catch (error) {
      if (!isError(error)) throw error;
    }
    for (const each of [one, two]) await each.recover();
    assert.equal(one.value() + two.value(), mint.issued, `seed ${seed}, round ${round}`);
    checkLines(one, `seed ${seed}, round ${round}`);
  }
  assert.ok(mint.issued > 160);
}
