// Spending conditions: NUT-10, 11, 14, 28.
import {
  OutputData,
  P2PKBuilder,
  blindMessage,
  createHTLCHash,
  getEncodedToken,
  schnorrSignMessage,
} from '@cashu/cashu-ts';
import { newKey, openWallet, receiveAid, spendByHand, sum } from './tools.mjs';

const HOUR = 3600;
const now = () => Math.floor(Date.now() / 1000);
// Our own names of errors: the specification's table has none for locks.
const CLOSED = 'token.lock_not_open';
const MALFORMED = 'token.malformed';

/** Coins of this amount under a lock. */
async function locked(town, wallet, amount, options) {
  const { send } = await wallet.ops
    .send(amount, await receiveAid(town, wallet, amount))
    .asP2PK(options)
    .run();
  return send;
}

const lockTo = (...pubkeys) => new P2PKBuilder().addLockPubkey(pubkeys);

export async function nut10(facts, town) {
  const wallet = await openWallet(town);
  const [coin] = await locked(town, wallet, 1, lockTo(newKey().pubkey).toOptions());
  facts.check('a condition is a well-formed secret', JSON.parse(coin.secret)[0] === 'P2PK', coin.secret);
  await facts.refused('without its witness the coin cannot be spent', () => wallet.receive([coin]), CLOSED);
  const unknown = JSON.stringify(['TOMORROW', { nonce: 'aa'.repeat(16), data: '00', tags: [] }]);
  const [odd] = await receiveAid(town, wallet, 1, outputOf(wallet, unknown));
  facts.equal('a condition of an unknown kind can be made', odd.secret, unknown);
  await facts.refused(
    'and is refused when spent: nobody can tell whether it is fulfilled',
    () => spendByHand(wallet, [odd]),
    MALFORMED,
    CLOSED,
  );
}

/** An output with a secret of one's own. */
function outputOf(wallet, secret) {
  const bytes = new TextEncoder().encode(secret);
  const { B_, r } = blindMessage(bytes);
  const { blindedMessage } = OutputData.createSingleRandomData(1, wallet.keysetId);
  return { type: 'custom', data: [new OutputData({ ...blindedMessage, B_: B_.toHex(true) }, r, bytes)] };
}

/** Witnesses of any keys, also of those that cashu-ts would not sign with. */
function sign(proofs, ...keys) {
  return proofs.map((proof) => ({
    ...proof,
    witness: { signatures: keys.map((key) => schnorrSignMessage(proof.secret, key.secret)) },
  }));
}

export async function nut11_lock(facts, town) {
  const [alice, bob, key] = [await openWallet(town), await openWallet(town), newKey()];
  const token = getEncodedToken({
    mint: town.mint,
    unit: town.unit,
    proofs: await locked(town, alice, 30, { pubkey: key.pubkey }),
  });
  await facts.refused(
    'nobody else can take it',
    () => spendByHand(bob, sign(bob.decodeToken(token).proofs, newKey())),
    CLOSED,
  );
  const signed = bob.signP2PKProofs(bob.decodeToken(token).proofs, key.secret);
  const moved = signed.map((proof, place) => ({ ...proof, witness: signed[(place + 1) % signed.length].witness }));
  await facts.refused('a signature is good for one coin', () => spendByHand(bob, moved), CLOSED);
  facts.equal('its owner can', sum(await bob.receive(token, { privkey: key.secret })), 30);
  const payment = await locked(town, alice, 12, { pubkey: key.pubkey });
  const quote = await bob.createMeltQuote('settle', { request: town.shop, amount: 12 });
  const done = await bob.meltProofs('settle', quote, payment, { privkey: key.secret });
  facts.equal('a till settles what is locked to it', done.quote.state, 'PAID');
}

export async function nut11_locktime(facts, town) {
  const [wallet, shop, person] = [await openWallet(town), newKey(), newKey()];
  const until = (time) => lockTo(shop.pubkey).addRefundPubkey(person.pubkey).lockUntil(time).toOptions();
  const early = await locked(town, wallet, 8, until(now() + HOUR));
  await facts.refused('before its time nobody gets a refund', () => spendByHand(wallet, sign(early, person)), CLOSED);
  facts.equal('before its time the shop can take it', sum(await wallet.receive(early, { privkey: shop.secret })), 8);
  const late = await locked(town, wallet, 8, until(now() - HOUR));
  facts.equal('afterwards the person gets it back', sum(await wallet.receive(late, { privkey: person.secret })), 8);
  const both = await locked(town, wallet, 8, until(now() - HOUR));
  facts.equal('afterwards the shop can still take it', sum(await wallet.receive(both, { privkey: shop.secret })), 8);
  const third = await locked(town, wallet, 8, until(now() - HOUR));
  await facts.refused('but no third person', () => spendByHand(wallet, sign(third, newKey())), CLOSED);
  const open = await locked(
    town,
    wallet,
    8,
    lockTo(shop.pubkey)
      .lockUntil(now() - HOUR)
      .toOptions(),
  );
  facts.equal('a lock that is over and has no refund is open', sum(await wallet.receive(open)), 8);
}

export async function nut11_multisig(facts, town) {
  const wallet = await openWallet(town);
  const keys = [newKey(), newKey(), newKey()];
  const options = () =>
    lockTo(...keys.map((key) => key.pubkey))
      .requireLockSignatures(2)
      .toOptions();
  const coins = await locked(town, wallet, 4, options());
  await facts.refused('one of two signatures is too few', () => spendByHand(wallet, sign(coins, keys[0])), CLOSED);
  await facts.refused(
    'one key signing twice is still one',
    () => spendByHand(wallet, sign(coins, keys[0], keys[0])),
    CLOSED,
  );
  await facts.refused('a stranger does not count', () => spendByHand(wallet, sign(coins, keys[0], newKey())), CLOSED);
  facts.equal(
    'two of three suffice',
    sum(await wallet.receive(coins, { privkey: [keys[0].secret, keys[2].secret] })),
    4,
  );
  const [secret, tags] = [
    keys[0].pubkey,
    [
      ['pubkeys', keys[0].pubkey.toUpperCase()],
      ['n_sigs', '2'],
    ],
  ];
  const twice = JSON.stringify(['P2PK', { nonce: 'bb'.repeat(32), data: secret, tags }]);
  const loud = await receiveAid(town, wallet, 1, outputOf(wallet, twice));
  await facts.refused(
    'a key written in two ways is one key',
    () => spendByHand(wallet, sign(loud, keys[0], keys[0])),
    CLOSED,
    MALFORMED,
  );
  const refund = lockTo(keys[0].pubkey)
    .addRefundPubkey([keys[1].pubkey, keys[2].pubkey])
    .requireRefundSignatures(2)
    .lockUntil(now() - HOUR)
    .toOptions();
  const late = await locked(town, wallet, 4, refund);
  await facts.refused('a refund can need two as well', () => spendByHand(wallet, sign(late, keys[1])), CLOSED);
  facts.equal('and gets them', sum(await wallet.receive(late, { privkey: [keys[1].secret, keys[2].secret] })), 4);
}

export async function nut11_sig_all(facts, town) {
  const [wallet, key] = [await openWallet(town), newKey()];
  const options = () => lockTo(key.pubkey).sigAll().toOptions();
  const coins = await locked(town, wallet, 7, options());
  const preview = await wallet.prepareSwapToReceive(coins);
  const outputs = preview.keepOutputs;
  const signed = wallet.signP2PKProofs(preview.inputs, key.secret, outputs);
  const other = (await wallet.prepareSwapToReceive(coins)).keepOutputs.map((each) => each.blindedMessage);
  await facts.refused(
    'outputs cannot be exchanged under its signature',
    () => spendByHand(wallet, signed, other),
    CLOSED,
  );
  await facts.refused('a signature for one coin is none for all', () => spendByHand(wallet, sign(coins, key)), CLOSED);
  facts.equal('one signature covers all', sum(await wallet.receive(coins, { privkey: key.secret })), 7);
  const payment = await locked(town, wallet, 7, options());
  const quote = await wallet.createMeltQuote('settle', { request: town.shop, amount: 7 });
  facts.equal(
    'a deposit as well',
    (await wallet.meltProofs('settle', quote, payment, { privkey: key.secret })).quote.state,
    'PAID',
  );
  const keys = [newKey(), newKey()];
  const two = await locked(
    town,
    wallet,
    6,
    lockTo(...keys.map((each) => each.pubkey))
      .requireLockSignatures(2)
      .sigAll()
      .toOptions(),
  );
  facts.equal(
    'two people can sign all',
    sum(await wallet.receive(two, { privkey: keys.map((each) => each.secret) })),
    6,
  );
}

export async function nut14(facts, town) {
  const [wallet, key] = [await openWallet(town), newKey()];
  const { hash, preimage } = createHTLCHash();
  const coins = await locked(town, wallet, 4, lockTo(key.pubkey).addHashlock(hash).toOptions());
  await facts.refused('the key alone does not open it', () => spendByHand(wallet, sign(coins, key)), CLOSED);
  const opened = coins.map((proof) => ({
    ...proof,
    witness: { preimage, signatures: [schnorrSignMessage(proof.secret, key.secret)] },
  }));
  facts.equal('key and preimage do', sum(await wallet.receive(opened)), 4);
}

export async function no14(facts, town) {
  const [wallet, key] = [await openWallet(town), newKey()];
  const { hash, preimage } = createHTLCHash();
  const coins = await locked(town, wallet, 4, lockTo(key.pubkey).addHashlock(hash).toOptions());
  const opened = coins.map((proof) => ({
    ...proof,
    witness: { preimage, signatures: [schnorrSignMessage(proof.secret, key.secret)] },
  }));
  await facts.refused(
    'a hash lock is refused rather than taken for open',
    () => spendByHand(wallet, opened),
    CLOSED,
    MALFORMED,
  );
  await facts.refused('also without any witness', () => spendByHand(wallet, coins), CLOSED, MALFORMED);
}

export async function nut28(facts, town) {
  const [alice, bob, key] = [await openWallet(town), await openWallet(town), newKey()];
  const coins = await locked(town, alice, 20, lockTo(key.pubkey).blindKeys().toOptions());
  facts.check(
    'the mint will not see the key',
    coins.every((proof) => !proof.secret.includes(key.pubkey.slice(2)) && proof.p2pk_e),
  );
  const token = getEncodedToken({ mint: town.mint, unit: town.unit, proofs: coins });
  await facts.refused(
    'nobody else can take it',
    () => spendByHand(bob, sign(bob.decodeToken(token).proofs, newKey())),
    CLOSED,
  );
  facts.equal('the receiver can', sum(await bob.receive(token, { privkey: key.secret })), 20);
}
