// A wallet and a till in a Chromium each, whose cameras see what the other shows: how long a sale takes without a connection, for codes
// of 1, 2, 4 and 8 coins, at full speed and with the processor six times slower; how often each side taps; how soon a page that is opened
// anew without a connection can be pressed. Reads { chromium, wallet, till, code, shop_code, folder, rounds, slow } from standard input.
import { answer, offline, press, reload, scripts, sees, show, slower, taps, timed, told, type } from "./phones_browser.mjs";
import { SALES, begin, code, digits, request, sale, setAside, walletSees } from "./phones_sale.mjs";

const RATES = [1, told.slow];

async function main() {
  const rig = await begin();
  const { wallet, till, scratch } = rig;
  const asked = {};
  const codes = [];
  for (const [coins, amount] of Object.entries(SALES)) {
    asked[coins] = await request(rig, amount);
    await show(scratch, walletSees, asked[coins]);
    for (const rate of RATES) for (let round = 0; round < told.rounds; round += 1) codes.push({ amount, rate, ...(await code(rig, rate, 1_500 + 600 * Number(coins))) });
  }
  // One amount set aside for each of both speeds: it makes the sum exactly some times, not as often as one likes.
  for (const _ of RATES) await setAside(rig, 2_000, asked[1]);
  await show(scratch, walletSees, asked[1]);
  for (const one of [wallet, till]) await offline(one, true);
  await sees(wallet, "No connection. You can still pay.");
  await sees(till, "No connection. You can go on selling.");
  const found = { sales: [], wallet: [], reload: [], scripts: {}, taps: {} };
  for (const each of codes) found.sales.push({ coins: each.coins, rate: each.rate, frames: each.seen.length, ms: await sale(rig, each) });
  for (const rate of RATES) {
    for (let round = 0; round < told.rounds; round += 1) {
      await slower(wallet, rate);
      const before = await taps(wallet);
      const read = await timed(wallet, "Pay", "h1=Pay this?");
      const shown = await timed(wallet, "Pay", "svg.code");
      found.taps.shop_first = (await taps(wallet)) - before;
      found.wallet.push({ rate, read, shown });
      await slower(wallet, 1);
      await press(wallet, "The shop has it");
      await wallet.page.getByRole("heading", { name: "Your aid", exact: true }).waitFor();
    }
  }
  for (const rate of RATES) {
    for (let round = 0; round < told.rounds; round += 1) {
      for (const [app, one] of Object.entries({ wallet, till })) {
        await slower(one, rate);
        found.reload.push({ app, rate, ms: await reload(one) });
        await slower(one, 1);
        found.scripts[app] = await scripts(one);
      }
    }
  }
  const first = await taps(till);
  await type(till, digits(735));
  await press(till, "Charge");
  await sees(till, "Let the customer scan");
  found.taps.shop = (await taps(till)) - first;
  await show(scratch, walletSees, []);
  const person = await taps(wallet);
  await press(wallet, "Type the amount");
  await type(wallet, digits(1024));
  await press(wallet, "Show the code");
  await wallet.page.locator("svg.code").or(wallet.page.getByRole("button", { name: "Go on now all the same" })).first().waitFor();
  found.taps.person_first = (await taps(wallet)) - person;
  for (const each of rig.browsers) await each.close();
  return found;
}

await answer(main);
