// cashu-ts and our TypeScript (web/cashu) read each other: `node web.mjs NAME`, without any mint. Prints what it found as JSON;
// test_web_cashu.py judges it.
import {
  KeyChain,
  OutputData,
  P2PKBuilder,
  PaymentRequest,
  Wallet,
  createBlindSignature,
  createDLEQProof,
  createP2PKsecret,
  decodePaymentRequest,
  deriveBlindingFactor,
  deriveKeysetId,
  deriveP2BKBlindedPubkeys,
  deriveP2BKSecretKeys,
  deriveSecret,
  getDecodedToken,
  getDecodedTokenBinary,
  getEncodedToken,
  getEncodedTokenBinary,
  hasValidDleq,
  hashToCurve,
  isP2PKSpendAuthorised,
  pointFromHex,
  schnorrVerifyDigest,
  signMintQuote,
  signP2PKProof,
} from '@cashu/cashu-ts';
import { createHash } from 'node:crypto';
import { hex, unhex, utf8 } from '../../../web/cashu/src/bytes.ts';
import * as curve from '../../../web/cashu/src/curve.ts';
import { readRaw, readToken, writeRaw, writeToken } from '../../../web/cashu/src/nut00_token.ts';
import { checkKeyset, keysetId } from '../../../web/cashu/src/nut02_keyset.ts';
import { checkLock, readLock, signLock, writeLock } from '../../../web/cashu/src/nut10_secret.ts';
import { checkProof } from '../../../web/cashu/src/nut12_dleq.ts';
import { derive } from '../../../web/cashu/src/nut13_secrets.ts';
import { readRequest, writeRequest } from '../../../web/cashu/src/nut18_request.ts';
import { checkClaim, message, signClaim } from '../../../web/cashu/src/nut20_quote.ts';
import { readRequestB, writeRequestB } from '../../../web/cashu/src/nut26_request.ts';
import { findSecretKey, hideKeys, signHidden } from '../../../web/cashu/src/nut28_p2bk.ts';
import { finish, messages } from '../../../web/cashu/src/outputs.ts';
import { readProof } from '../../../web/cashu/src/wire.ts';
import { Facts } from './tools.mjs';

const sha256 = (data) => createHash('sha256').update(data).digest();
const NOW = Math.floor(Date.now() / 1000);
const UNIT = 'usd';
const MINT_URL = 'https://mint.example.org';
const SEED = new Uint8Array(64).fill(5);
const AMOUNTS = [1, 2, 4, 8];
const secretOf = (number) => unhex(number.toString(16).padStart(64, '0'));
const pointOf = (number) => curve.showPoint(curve.generatorTimes(secretOf(number)));
const [MINT, SHOP, PAYER, STRANGER] = [7001, 7002, 7003, 7004];
const KEYS = Object.fromEntries(AMOUNTS.map((amount) => [String(amount), pointOf(MINT + amount)]));
const KEYSET = keysetId(KEYS, { unit: UNIT, final_expiry: NOW + 1_000_000 });

/** What anybody may see of a thing: JSON without fields that are absent, in the order of their names. */
function plain(value) {
  const sorted = (each) =>
    each && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).filter(([, field]) => field !== undefined).sort(([one], [two]) => (one < two ? -1 : 1)))
      : each;
  const text = (each) => (typeof each === 'bigint' ? Number(each) : each);
  return JSON.stringify(JSON.parse(JSON.stringify(value ?? null, (_, each) => text(each))), (_, each) => sorted(each));
}

/** Proofs of cashu-ts in our form: it has a type of its own for amounts, and a witness that may be an object. */
function ours(proofs) {
  const witness = (each) => (typeof each === 'object' && each ? JSON.stringify(each) : (each ?? undefined));
  return proofs.map((proof) => readProof({ ...proof, amount: Number(proof.amount), witness: witness(proof.witness) }));
}

/** A mint made of cashu-ts's own parts. */
function sign(outputs) {
  return outputs.map(({ amount, id, B_ }) => {
    const [point, secret] = [pointFromHex(B_), secretOf(MINT + Number(amount))];
    const { e, s } = createDLEQProof(point, secret);
    const { C_ } = createBlindSignature(point, secret, id);
    return { amount: Number(amount), id, C_: C_.toHex(true), dleq: { e: hex(e), s: hex(s) } };
  });
}

function coins(lock = null, counter = 0) {
  const plan = { keyset: KEYSET, counter, amounts: AMOUNTS, locks: AMOUNTS.map(() => lock) };
  return finish(plan, SEED, sign(messages(plan, SEED)), KEYS);
}

function foreignCoins(make) {
  return AMOUNTS.map((amount, place) => {
    const data = make(amount, place);
    const [signature] = sign([data.blindedMessage]);
    return data.toProof(signature, { id: KEYSET, keys: KEYS });
  });
}

/** A wallet of cashu-ts that knows our keys and no mint. */
function offlineWallet() {
  const keyset = { id: KEYSET, unit: UNIT, active: true, input_fee_ppk: 0, final_expiry: NOW + 1_000_000 };
  const wallet = new Wallet(MINT_URL, { unit: UNIT });
  const known = KeyChain.mintToCacheDTO(MINT_URL, [keyset], [{ ...keyset, keys: KEYS }]);
  wallet.loadMintFromCache({ name: 'x', pubkey: pointOf(MINT), version: 'x', contact: [], nuts: {} }, known);
  return wallet;
}

function fails(action) {
  try {
    action();
    return false;
  } catch {
    return true;
  }
}

const lockTo = (hide = false) => ({ key: pointOf(SHOP), locktime: NOW + 1000, refund: pointOf(PAYER), hide });

const DRIVES = {
  points(facts) {
    for (const text of ['', 'a', 'ñ', '水'.repeat(50), 'ab'.repeat(32)]) {
      facts.equal(`a secret has the same point: ${text.slice(0, 3)}`, curve.showPoint(curve.hashToCurve(utf8(text))), hashToCurve(utf8(text)).toHex(true));
    }
  },

  keysets(facts) {
    const options = { unit: UNIT, expiry: NOW + 1_000_000, versionByte: 1 };
    facts.equal('a keyset has the same id', KEYSET, deriveKeysetId(KEYS, options));
    checkKeyset({ id: deriveKeysetId(KEYS, { ...options, input_fee_ppk: 100 }), unit: UNIT, active: true, keys: KEYS, input_fee_ppk: 100, final_expiry: NOW + 1_000_000 });
    facts.check('and with a fee', true);
  },

  secrets(facts) {
    for (const counter of [0, 1, 77, 2 ** 31, 2 ** 40]) {
      const blank = derive(SEED, KEYSET, counter);
      facts.equal(`secret ${counter} is the same`, blank.secret, hex(deriveSecret(SEED, KEYSET, counter)));
      facts.equal(`blinding factor ${counter} is the same`, hex(blank.factor), hex(deriveBlindingFactor(SEED, KEYSET, counter)));
      const data = OutputData.createSingleDeterministicData(8, SEED, counter, KEYSET);
      const [made] = messages({ keyset: KEYSET, counter, amounts: [8], locks: [null] }, SEED);
      facts.equal(`message ${counter} is the same`, made.B_, data.blindedMessage.B_);
    }
  },

  proofs(facts) {
    const keyset = { id: KEYSET, keys: KEYS };
    for (const proof of [...coins(), ...coins(lockTo(), 10), ...coins(lockTo(true), 20)]) {
      facts.check('cashu-ts finds our coin proved', hasValidDleq(proof, keyset, { require: true }));
      const other = { ...KEYS, [proof.amount]: pointOf(STRANGER) };
      facts.check('and not by another key', !hasValidDleq(proof, { id: KEYSET, keys: other }, { require: true }));
    }
    for (const proof of ours(foreignCoins((amount) => OutputData.createSingleRandomData(amount, KEYSET)))) {
      checkProof(proof, curve.readPoint(KEYS[proof.amount]));
      facts.check('we find its coin not proved by another key', fails(() => checkProof(proof, curve.readPoint(pointOf(STRANGER)))));
    }
    facts.check('we find its coins proved', true);
  },

  tokens(facts) {
    const signed = signLock(coins(lockTo(), 10)[0], secretOf(SHOP));
    const all = [...coins(), ...coins(lockTo(), 10), ...coins(lockTo(true), 20), signed];
    const token = { mint: MINT_URL, unit: UNIT, proofs: all };
    const keysets = [KEYSET];
    for (const [way, read] of [
      ['text', () => getDecodedToken(writeToken(token), keysets)],
      ['bytes', () => getDecodedTokenBinary(writeRaw(token))],
    ]) {
      const found = read();
      facts.equal(`cashu-ts reads our ${way}`, plain([found.mint, found.unit, ours(found.proofs)]), plain([MINT_URL, UNIT, all]));
    }
    // It writes a witness that is text as text within text, and one that is an object as the text that it stands for.
    const proofs = all.map((proof) => (proof.witness ? { ...proof, witness: JSON.parse(proof.witness) } : proof));
    const foreign = { ...token, proofs, memo: 'not kept' };
    facts.equal('we read its text', plain(readToken(getEncodedToken(foreign), { keysets })), plain(token));
    facts.equal('we read its bytes', plain(readRaw(getEncodedTokenBinary(foreign), { keysets })), plain(token));
    for (const known of [[], [`${KEYSET.slice(0, 16)}00`, `${KEYSET.slice(0, 16)}11`]]) {
      facts.check('its short name of a keyset is not guessed', fails(() => readToken(getEncodedToken(foreign), { keysets: known })));
    }
  },

  requests(facts) {
    const lock = { kind: 'P2PK', data: pointOf(SHOP), tags: [['locktime', String(NOW)], ['refund', pointOf(PAYER)]] };
    const transports = [{ kind: 'post', target: 'https://shop.example.org/pay', tags: [['a', 'b']] }];
    for (const request of [
      { id: '7f4a2b39', amount: 700, unit: UNIT, mints: [MINT_URL], description: 'Rice', singleUse: true, transports, lock },
      { id: 'x', amount: 1, unit: 'sat', mints: [MINT_URL, `${MINT_URL}/b`], singleUse: true, transports: [], lock },
      { id: 'y', unit: UNIT, mints: [MINT_URL], singleUse: true, transports: [] },
    ]) {
      for (const [form, write, read, written] of [
        ['A', writeRequest, readRequest, (found) => found.toEncodedCreqA()],
        ['B', writeRequestB, readRequestB, (found) => found.toEncodedCreqB()],
      ]) {
        const found = decodePaymentRequest(write(request));
        const { id, amount, unit, mints, description, singleUse, nut10 } = found;
        const seen = { id, amount: amount === undefined ? undefined : Number(amount), unit, mints, description, singleUse };
        const { lock: asked, transports: ways, ...rest } = request;
        facts.equal(`cashu-ts reads our form ${form}`, plain(seen), plain(rest));
        facts.equal('and our lock', plain(nut10 && { kind: nut10.kind, data: nut10.data, tags: nut10.tags }), plain(asked));
        facts.equal('and our transports', plain((found.transport ?? []).map((each) => [each.type, each.target, each.tags])), plain(ways.map((each) => [each.kind, each.target, each.tags])));
        facts.equal(`we read its form ${form}`, plain(read(written(found))), plain(request));
        const made = new PaymentRequest(ways.map((each) => ({ type: each.kind, target: each.target, tags: each.tags })), request.id, request.amount, request.unit, request.mints, request.description, request.singleUse, asked);
        facts.equal(`and form ${form} of one that it made`, plain(read(written(made))), plain(request));
      }
    }
  },

  locks(facts) {
    const [proof] = coins(lockTo(), 10);
    const signed = signLock(proof, secretOf(SHOP));
    facts.check('cashu-ts opens our lock with our signature', isP2PKSpendAuthorised(signed));
    facts.check("and not with a stranger's", !isP2PKSpendAuthorised(signLock(proof, secretOf(STRANGER))));
    facts.check("nor with the payer's before the time", !isP2PKSpendAuthorised(signLock(proof, secretOf(PAYER))));
    const late = { ...proof, secret: writeLock('5f', pointOf(SHOP), { locktime: NOW - 1000, refund: pointOf(PAYER) }) };
    facts.check("but with the payer's after it", isP2PKSpendAuthorised(signLock(late, secretOf(PAYER))));
    const [back] = ours([signP2PKProof(proof, hex(secretOf(SHOP)))]);
    checkLock(back, { now: NOW });
    facts.check("we open our lock with cashu-ts's signature", true);
    const secret = createP2PKsecret(pointOf(SHOP), [['locktime', String(NOW + 50)], ['refund', pointOf(PAYER), pointOf(STRANGER)], ['n_sigs_refund', '2']]);
    const lock = readLock(secret);
    facts.equal('we read its lock', plain([lock.keys, lock.locktime, lock.refund, lock.refundNeeded]), plain([[pointOf(SHOP)], NOW + 50, [pointOf(PAYER), pointOf(STRANGER)], 2]));
    const [theirs] = ours([signP2PKProof({ ...proof, secret }, hex(secretOf(SHOP)))]);
    checkLock(theirs, { now: NOW });
    facts.check("nor does a stranger's signature open it", fails(() => checkLock(signLock(theirs, secretOf(STRANGER)), { now: NOW })));
    const made = ours(foreignCoins((amount) => OutputData.createSingleP2PKData(new P2PKBuilder().addLockPubkey(pointOf(SHOP)).lockUntil(NOW + 50).addRefundPubkey(pointOf(PAYER)).toOptions(), amount, KEYSET)));
    facts.check('we sign its coins', made.every((each) => isP2PKSpendAuthorised(signLock(each, secretOf(SHOP)))));
  },

  hidden(facts) {
    const options = new P2PKBuilder().addLockPubkey(pointOf(SHOP)).lockUntil(NOW + 50).addRefundPubkey(pointOf(PAYER)).blindKeys().toOptions();
    const made = ours(foreignCoins((amount) => OutputData.createSingleP2PKData(options, amount, KEYSET)));
    for (const proof of made) {
      const signed = signHidden(proof, secretOf(SHOP));
      checkLock(signed, { now: NOW });
      facts.check('we find our key in its hidden lock', isP2PKSpendAuthorised(signed));
      facts.check('a stranger does not', fails(() => signHidden(proof, secretOf(STRANGER))));
    }
    for (const proof of coins(lockTo(true), 20)) {
      const [hidden] = readLock(proof.secret).keys;
      const [found] = deriveP2BKSecretKeys(proof.p2pk_e, hex(secretOf(SHOP)), [hidden, readLock(proof.secret).refund[0]]);
      facts.equal('cashu-ts finds the key of our hidden lock', found, hex(findSecretKey(hidden, 0, { ephemeralPoint: proof.p2pk_e, secretKey: secretOf(SHOP) })));
      const { p2pk_e: _taken, ...plainProof } = proof;
      facts.check('and opens it', isP2PKSpendAuthorised(signP2PKProof(plainProof, found)));
    }
    const { blinded, Ehex } = deriveP2BKBlindedPubkeys([pointOf(SHOP), pointOf(PAYER)], secretOf(77));
    facts.equal('keys are hidden alike', plain([blinded, Ehex]), plain([hideKeys([pointOf(SHOP), pointOf(PAYER)], secretOf(77)), pointOf(77)]));
  },

  async claims(facts) {
    const outputs = messages({ keyset: KEYSET, counter: 0, amounts: AMOUNTS, locks: AMOUNTS.map(() => null) }, SEED);
    const [quote, owner, pubkey] = ['0192d3c0-7e8a-7c3d-8e9f', secretOf(SHOP), pointOf(SHOP)];
    const digest = (id) => hex(sha256(message(id, outputs)));
    const ours = signClaim(quote, outputs, owner);
    facts.check('cashu-ts verifies the signature of our claim', schnorrVerifyDigest(ours, digest(quote), pubkey));
    facts.check('and not for another quote', !schnorrVerifyDigest(ours, digest('another'), pubkey));
    const { payload } = await offlineWallet().prepareMint('benefit', 15, { quote, request: 'r', unit: UNIT, pubkey }, { privkey: hex(owner) });
    const made = payload.outputs.map((each) => ({ ...each, amount: Number(each.amount) }));
    checkClaim(quote, made, payload.signature, pubkey);
    facts.check('we take its claim, and not for other outputs', fails(() => checkClaim(quote, outputs, payload.signature, pubkey)));
    const old = signMintQuote(hex(owner), quote, outputs);
    facts.check('its signature over the old message is refused', fails(() => checkClaim(quote, outputs, old, pubkey)));
  },
};

const [name] = process.argv.slice(2);
const facts = new Facts();
if (name === 'names') {
  facts.things.names = Object.keys(DRIVES);
} else {
  try {
    await DRIVES[name](facts);
  } catch (error) {
    facts.check('the drive comes to its end', false, error.stack);
  }
}
process.stdout.write(JSON.stringify({ found: facts.found, things: facts.things }) + '\n');
