// cashu-ts as a foreign wallet at our till, and as a foreign shop before our wallet, both apps in a real browser. Speaks lines of JSON as
// tests/browser/deaths.mjs does: told { chromium, wallet, till, folder, key, shop_code, mint, unit, play }, then asks and says what it found
// ({ found, things }).
import {
  Mint,
  OutputData,
  PaymentRequest,
  PaymentRequestTransportType,
  Wallet,
  decodePaymentRequest,
  getDecodedToken,
  getEncodedToken,
  signP2PKProof,
} from '@cashu/cashu-ts';
import { CAMERA, hold, readPicture } from '../../browser/camera.mjs';
import { next, play, say } from '../../browser/lines.mjs';
import { again, charge, claimed, closeSale, enrolledTill, hurried, isPaid, showsCode, toConfirm, toTake } from '../../browser/steps.mjs';
import { Facts, newKey, spendByHand, sum } from './tools.mjs';

const told = await next();
const facts = new Facts();
const DAY = 86_400;
const code = (proofs) => getEncodedToken({ mint: told.mint, unit: told.unit, proofs });

async function foreignWallet() {
  const wallet = new Wallet(new Mint(told.mint), { unit: told.unit, requireSigDleq: true });
  await wallet.loadMint();
  return wallet;
}

// --- a foreign wallet pays our till -----------------------------------------------------------------------------------------------------

/** What the till shows on its screen, read as another phone's camera would, and understood by cashu-ts. */
async function shown(till) {
  const text = await readPicture(await till.page.locator('svg.code').first().screenshot());
  if (text === null) throw new Error("the till's code cannot be read");
  return decodePaymentRequest(text);
}

async function pay(wallet, proofs, asked, amount = asked.amount) {
  const { keep, send } = await wallet.ops.send(amount, proofs).asP2PK(asked.toP2PKOptions()).run();
  return { keep, code: code(send), coins: send.length };
}

const refused = (till, text) => async () => (await till.page.getByRole('heading', { level: 1, name: text }).count()) > 0;

async function atTheTill() {
  const wallet = await foreignWallet();
  let coins = await wallet.receive(await say({ ask: 'plain', amount: 1_500, for: 'wallet' }));
  facts.equal('cashu-ts takes the coins of a neighbour', sum(coins), 1_500);
  const till = await enrolledTill(told, { camera: CAMERA });

  await charge(till, 128);
  const asked = await shown(till);
  const [[, locktime]] = asked.nut10.tags;
  facts.equal('the till asks for the amount', Number(asked.amount), 128);
  facts.equal('in its unit', asked.unit, told.unit);
  facts.equal('from our mint', asked.mints.join(), told.mint);
  facts.equal('locked to its key', asked.nut10.data, told.key);
  facts.check('for some days', Number(locktime) > told.now + 7 * DAY, locktime);
  facts.equal('with nothing sent to anybody', (asked.transport ?? []).length, 0);
  const first = await pay(wallet, coins, asked);
  facts.equal('one coin makes the amount', first.coins, 1);
  await hold(till.page, first.code, isPaid(till));
  facts.check('a still code of cashu-ts is paid and confirmed', await till.page.getByText('confirmed', { exact: true }).count());
  await closeSale(till);

  // Both without a connection; the coins were locked before.
  await charge(till, 240);
  const second = await pay(wallet, first.keep, await shown(till));
  facts.check('four coins make the amount', second.coins >= 4, second.coins);
  await till.offline(true);
  await hold(till.page, second.code, isPaid(till), { still: false });
  facts.check('a moving code of cashu-ts is stored without a connection', await till.page.getByText('stored, will be confirmed').count());
  await closeSale(till);

  await charge(till, 240);
  await hold(till.page, second.code, refused(till, 'This code was collected here before.'), { still: false });
  facts.check('shown a second time it is refused', true);
  await till.press('Scan again');
  await till.press('Cancel the sale');
  await till.offline(false);

  // In two parts: the till asks for what is missing.
  await charge(till, 100);
  const part = await pay(wallet, second.keep, await shown(till), 36);
  await hold(till.page, part.code, async () => (await till.page.getByText('Partly paid').count()) > 0);
  const rest = await shown(till);
  facts.equal('after a part it asks for the rest', Number(rest.amount), 64);
  const third = await pay(wallet, part.keep, rest);
  await hold(till.page, third.code, isPaid(till));
  await closeSale(till);

  await charge(till, 8);
  const stranger = await wallet.ops.send(8, third.keep).asP2PK({ pubkey: newKey().pubkey }).run();
  await toTake(till, code(stranger.send));
  await till.touch('Take this code');
  await till.until(refused(till, /not made for this shop/));
  facts.check('coins that are locked to somebody else are refused', true);
  await till.press('Scan again');
  await till.press('Cancel the sale');
  await till.page.getByRole('button', { name: 'Charge', exact: true }).waitFor(); // now it is written down

  const money = 128 + 240 + 100;
  await again(till);
  await till.press('More');
  await till.page.locator('.choice', { hasText: 'Money' }).click();
  await till.press('Send in what is stored');
  await till.sees('is sent in.');
  await till.press('Ask to be paid');
  await till.page.locator('dl.facts div', { hasText: 'Asked for' }).getByText((money / 100).toFixed(2)).waitFor();
  facts.equal('nothing is left in the till', (await till.books()).coins.length, 0);
  await say({ ask: 'bank' });
  await again(till);
  await till.press('More');
  await till.page.locator('.choice', { hasText: 'Money' }).click();
  await till.page.locator('dl.facts div', { hasText: 'Paid to your account' }).getByText((money / 100).toFixed(2)).waitFor();
  facts.check('the shop is settled', true);
  facts.equal('the foreign wallet has the rest', sum(stranger.keep), 1_500 - money - 8);
  facts.check('no script of the till failed', till.faults.length === 0, till.faults.join());
  await till.off();
}

// --- our wallet pays a foreign request --------------------------------------------------------------------------------------------------

const OTHER_MINT = 'https://mint.invalid';
const POST = [{ type: PaymentRequestTransportType.POST, target: 'https://till.invalid/pay' }];
const lockTo = (key, tags = []) => ({ kind: 'P2PK', data: key, tags });

/** A request as cashu-ts writes it, in one of its two forms. */
function request(given, form = 'A') {
  const { transport, amount, unit, mints, description, lock } = { transport: [], amount: 7, unit: told.unit, mints: [told.mint], ...given };
  const made = new PaymentRequest(transport, 'foreign-1', amount, unit, mints, description, true, lock);
  return form === 'A' ? made.toEncodedCreqA() : made.toEncodedCreqB();
}

const balance = async (wallet) => {
  const { coins } = await wallet.books();
  return coins.filter(({ state }) => state === 'ready' || state === 'held').reduce((total, { amount }) => total + amount, 0);
};

/** The wallet pays a request: the coins of the code that it shows. */
async function paid(wallet, text) {
  await toConfirm(wallet, text);
  await wallet.touch('Pay');
  await wallet.until(showsCode(wallet), hurried(wallet));
  const { lines } = await wallet.books();
  const { code: made } = lines.findLast(({ kind, state }) => kind === 'paid' && state === 'waiting');
  await wallet.press('The shop has it');
  return getDecodedToken(made, told.keysets);
}

async function atOurWallet() {
  const [wallet, foreign, key] = [await claimed(told, await say({ ask: 'household' })), await foreignWallet(), newKey()];
  const begun = await balance(wallet);
  let given = 0;
  const plain = {
    'a request without a lock': request({ description: 'Brot & Salz · خبز' }),
    'one in the short form': request({}, 'B'),
    'one that names several mints': request({ mints: [OTHER_MINT, told.mint] }),
    'one that names no mint': request({ mints: [] }),
  };
  for (const [what, text] of Object.entries(plain)) {
    const token = await paid(wallet, text);
    given += 7;
    facts.equal(`${what} is paid, and cashu-ts takes the coins`, sum(await foreign.receive(token)), 7);
  }
  const until = told.now + 30 * DAY;
  for (const [form, tags, end] of [['A', [], told.now + 7 * DAY], ['B', [['locktime', String(until)]], until]]) {
    const token = await paid(wallet, request({ lock: lockTo(key.pubkey, tags) }, form));
    given += 7;
    const secrets = token.proofs.map(({ secret }) => JSON.parse(secret)[1]);
    const ends = secrets.map((each) => Number(each.tags.find(([name]) => name === 'locktime')[1]));
    facts.check('every coin is locked to who asked', secrets.every(({ data }) => data === key.pubkey));
    facts.check('for as long as was asked', ends.every((each) => each >= end && (tags.length === 0 || each === end)), ends.join());
    await facts.refused('nobody else opens them', () => spendByHand(foreign, token.proofs), 'token.lock_not_open');
    const { signatures } = await spendByHand(foreign, token.proofs.map((proof) => signP2PKProof(proof, key.secret)));
    facts.equal('who asked does', signatures.reduce((total, { amount }) => total + Number(amount), 0), 7);
  }
  facts.equal('the wallet paid just this', begun - (await balance(wallet)), given);

  const not = {
    'to an address': request({ transport: POST }),
    'from another mint': request({ mints: [OTHER_MINT] }),
    'without an amount': request({ amount: undefined }),
    'in no unit': request({ unit: undefined, mints: [] }),
    'for two keys': request({ lock: lockTo(key.pubkey, [['pubkeys', newKey().pubkey], ['n_sigs', '2']]) }),
    'locked for a year': request({ lock: lockTo(key.pubkey, [['locktime', String(told.now + 365 * DAY)]]) }),
    'locked by a hash': request({ lock: { kind: 'HTLC', data: '5a'.repeat(32), tags: [] } }),
  };
  for (const [what, text] of Object.entries(not)) {
    await again(wallet);
    await wallet.press('Pay');
    await wallet.press("Or paste the shop's code");
    await wallet.page.getByLabel("Or paste the shop's code").fill(text);
    await wallet.press('Use this code');
    // An amount without a unit is no request at all (NUT-18).
    const words = what === 'in no unit' ? told.no_request : told.refusal;
    await wallet.until(async () => (await wallet.page.locator('.notice', { hasText: words }).count()) > 0);
    facts.equal(`a request ${what} is not paid, and the wallet says so`, await wallet.heading('Pay this?').count(), 0);
  }
  for (const [what, text] of [['in a unit that is not there', request({ unit: 'sat', mints: [told.mint] })], ['of more than there is', request({ amount: 9_000_000 })]]) {
    await again(wallet);
    await toConfirm(wallet, text);
    await wallet.sees('That is more than you have.');
    facts.check(`a request ${what} cannot be paid`, await wallet.page.locator('button.main.huge').isDisabled());
  }
  facts.equal('a refused request costs nothing', begun - (await balance(wallet)), given);
  facts.check('no script of the wallet failed', wallet.faults.length === 0, wallet.faults.join());
  await wallet.off();
}

await play(async () => {
  await (told.play === 'till' ? atTheTill() : atOurWallet());
  await say({ found: facts.found });
});
