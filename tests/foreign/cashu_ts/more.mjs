// Beside the exchange of coins: websockets (17), payment requests (18, 26), payments in a header (24), blind authentication (22).
import http from 'node:http';
import {
  AuthManager,
  PaymentRequest,
  PaymentRequestTransportType,
  decodePaymentRequest,
  getDecodedToken,
  getEncodedToken,
  normalizeProofAmounts,
} from '@cashu/cashu-ts';
import { askAid, newKey, openWallet, payAid, receiveAid, spendByHand, sum } from './tools.mjs';

const PATIENCE = 10_000;

/** Waits for what a callback brings. */
function waitFor(words, start) {
  return new Promise((found, failed) => {
    const timer = setTimeout(() => failed(new Error(`nothing came: ${words}`)), PATIENCE);
    start((value) => {
      clearTimeout(timer);
      found(value);
    }, failed);
  });
}

export async function nut17(facts, town) {
  const wallet = await openWallet(town);
  const proofs = await receiveAid(town, wallet, 3);
  const seen = [];
  const spent = waitFor('a coin is spent', (found, failed) => {
    wallet.on
      .proofStateUpdates(
        [proofs[0]],
        (state) => {
          seen.push(state.state);
          if (state.state === 'UNSPENT') wallet.receive([proofs[0]]).catch(failed);
          if (state.state === 'SPENT') found();
        },
        failed,
      )
      .catch(failed);
  });
  await spent;
  facts.equal('the state now comes first, then what changes', [seen[0], seen.at(-1)].join(), 'UNSPENT,SPENT');
  const asked = await askAid(wallet, 5);
  await wallet.mint.connectWebSocket();
  const socket = wallet.mint.webSocketConnection;
  const paid = [];
  await waitFor('a quote is paid', (found, failed) => {
    socket.createSubscription(
      { kind: 'benefit_mint_quote', filters: [asked.quote.quote] },
      (quote) => {
        paid.push(Number(quote.amount_paid));
        if (paid.length === 1) payAid(town, asked).catch(failed);
        if (Number(quote.amount_paid) === 5) found();
      },
      failed,
    );
  });
  facts.equal('a quote too', paid.join(), '0,5');
  const deposit = await wallet.createMeltQuote('settle', { request: town.shop, amount: 2 });
  const coins = await receiveAid(town, wallet, 2);
  const settled = [];
  await waitFor('a deposit is settled', (found, failed) => {
    socket.createSubscription(
      { kind: 'settle_melt_quote', filters: [deposit.quote] },
      (quote) => {
        settled.push(quote.state);
        if (settled.length === 1) wallet.meltProofs('settle', deposit, coins).catch(failed);
        if (quote.state === 'PAID') found();
      },
      failed,
    );
  });
  facts.equal('and a deposit', [settled[0], settled.at(-1)].join(), 'UNPAID,PAID');
  const refusal = await waitFor('a refusal', (found, failed) => {
    socket.createSubscription({ kind: 'weather', filters: ['x'] }, () => failed(new Error('accepted')), found);
  });
  facts.check('an unknown kind is refused', refusal instanceof Error);
  socket.close();
}

export async function no17(facts, town) {
  const answer = await fetch(`${town.mint}/v1/ws`);
  facts.check('there is no websocket', [400, 404, 405, 426].includes(answer.status), answer.status);
  const ended = await waitFor('a refused connection', (found) => {
    const socket = new WebSocket(`${town.mint.replace('http', 'ws')}/v1/ws`);
    socket.onerror = () => found('refused');
    socket.onopen = () => found('open');
  });
  facts.equal('and none can be opened', ended, 'refused');
}

/** Takes one payment over HTTP, as a till does. */
async function till() {
  const server = http.createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  const paid = new Promise((found) => {
    server.on('request', async (request, response) => {
      const parts = [];
      for await (const part of request) parts.push(part);
      response.end('{}');
      found(JSON.parse(Buffer.concat(parts)));
    });
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    paid,
    close: () => server.close() || server.closeAllConnections(),
  };
}

async function payRequest(facts, town, write, things) {
  const [alice, bob, key, shop] = [await openWallet(town), await openWallet(town), newKey(), await till()];
  try {
    const transport = [{ type: PaymentRequestTransportType.POST, target: shop.url }];
    const lock = { kind: 'P2PK', data: key.pubkey, tags: [] };
    const written = write(new PaymentRequest(transport, 'bread-1', 9, town.unit, [town.mint], 'Bread', true, lock));
    things.request = written;
    things.wanted = { amount: 9, unit: town.unit, mint: town.mint, lock: key.pubkey, target: shop.url };
    const asked = decodePaymentRequest(written);
    facts.equal('the amount is read', Number(asked.amount), 9);
    facts.equal('the unit is read', asked.unit, town.unit);
    facts.equal('the mint is read', asked.mints[0], town.mint);
    facts.equal('the lock is read', asked.nut10.data, key.pubkey);
    const { send } = await alice.ops
      .send(asked.amount, await receiveAid(town, alice, 9))
      .asP2PK(asked.toP2PKOptions())
      .run();
    const payload = { id: asked.id, unit: asked.unit, mint: asked.mints[0], proofs: send };
    await fetch(asked.getTransport(PaymentRequestTransportType.POST).target, {
      method: 'POST',
      body: JSON.stringify(payload),
    });
    const got = await shop.paid;
    await facts.refused(
      'the payment is locked to who asked',
      () => spendByHand(bob, normalizeProofAmounts(got.proofs)),
      'token.lock_not_open',
    );
    facts.equal('who takes it', sum(await bob.receive(got.proofs, { privkey: key.secret })), 9);
  } finally {
    shop.close();
  }
}

export const nut18 = (facts, town) => payRequest(facts, town, (request) => request.toEncodedCreqA(), facts.things);
export const nut26 = (facts, town) => payRequest(facts, town, (request) => request.toEncodedCreqB(), facts.things);

/** A shop on the web sells: 402 with a request, the same address again with a code in the header (24). */
export async function nut24(facts, town) {
  const wallet = await openWallet(town);
  const buy = (path, code) => fetch(town.web + path, { headers: code === undefined ? {} : { 'X-Cashu': code } });
  const first = await buy('/soup/1');
  facts.equal('the shop asks for a payment', first.status, 402);
  const asked = decodePaymentRequest(first.headers.get('X-Cashu'));
  facts.equal('the amount is read', Number(asked.amount), town.price);
  facts.equal('the unit is read', asked.unit, town.unit);
  facts.equal('the mint is read', asked.mints.join(), town.mint);
  facts.equal('there is no other way to pay', asked.transport?.length ?? 0, 0);
  const aid = await receiveAid(town, wallet, 3 * town.price);
  const pay = async (from, amount, lock) => {
    const sending = wallet.ops.send(amount, from).includeFees(true);
    const { keep, send } = await (lock ? sending.asP2PK(asked.toP2PKOptions()) : sending).run();
    return { keep, code: getEncodedToken({ mint: asked.mints[0], unit: asked.unit, proofs: send }) };
  };
  const paid = await pay(aid, asked.amount, true);
  const goods = await buy('/soup/1', paid.code);
  facts.equal('what was paid is given', `${goods.status} ${await goods.text()}`, '200 goods of /soup/1');
  facts.equal('whose answer is lost asks again', (await buy('/soup/1', paid.code)).status, 200);
  facts.equal('a code pays one order', (await buy('/soup/2', paid.code)).status, 400);
  const open = await pay(paid.keep, asked.amount, false);
  facts.equal('a code that is not locked is refused', (await buy('/soup/2', open.code)).status, 400);
  facts.equal('and can be spent', sum(await wallet.receive(open.code)), town.price);
  const little = await pay(open.keep, 1, true);
  facts.equal('too little is refused', (await buy('/soup/2', little.code)).status, 400);
  facts.equal('what is no code too', (await buy('/soup/2', 'letmein')).status, 400);
  facts.equal('the rest is free', await (await buy('/menu')).text(), 'goods of /menu');
}

/** A request with headers of one's own; what the mint says. */
async function byHand(method, url, headers, body = {}) {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return `${answer.status} ${(await answer.json()).code}`;
}

export async function nut21(facts, town) {
  const info = (await openWallet(town)).getMintInfo();
  const asking = `${town.mint}/v1/auth/blind/mint`;
  facts.check('cashu-ts sees where a log-in is needed', info.requiresClearAuthToken('POST', '/v1/auth/blind/mint'));
  facts.check('and by which service', info.nuts[21].openid_discovery.startsWith('https://'), info.nuts[21]);
  facts.equal('who did not log in gets nothing', await byHand('POST', asking, {}, { outputs: [] }), '400 30001');
  for (const [sentence, cat] of [
    ['nor who logged in long ago', town.ended],
    ['nor who made up a log-in', `${town.cat.slice(0, -8)}AAAAAAAA`],
    ['nor who sends anything else', 'letmein'],
  ]) {
    facts.equal(sentence, await byHand('POST', asking, { 'Clear-auth': cat }, { outputs: [] }), '400 30002');
  }
}

/** What our own code wrote: a token over 21 and two spellings of one payment request. */
export async function readsOurs(facts, town) {
  const token = getDecodedToken(town.token, [town.keyset]);
  facts.equal('the amount of our token is read', sum(token.proofs), 21);
  facts.equal('its mint is read', token.mint, town.mint);
  facts.equal('its unit is read', token.unit, town.unit);
  facts.check(
    'its keyset is found by its short name',
    token.proofs.every((proof) => proof.id === town.keyset),
  );
  for (const written of [town.requestA, town.requestB]) {
    const asked = decodePaymentRequest(written);
    const found = [asked.id, asked.amount, asked.unit, asked.mints[0], asked.nut10.kind, asked.nut10.data].join();
    facts.equal(
      `the request ${written.slice(0, 5)} is read`,
      found,
      `bread-2,9,${town.unit},${town.mint},P2PK,${town.key}`,
    );
    const transport = asked.getTransport(PaymentRequestTransportType.POST);
    facts.equal(`the way to pay ${written.slice(0, 5)} is read`, transport.target, 'https://till.invalid/pay');
  }
}

export async function nut22(facts, town) {
  const auth = new AuthManager(town.mint, { desiredPoolSize: 3 });
  auth.setCAT(town.cat);
  await auth.ensure(3);
  facts.equal('access tokens are given', auth.poolSize, 3);
  const before = auth.exportPool();
  const swap = `${town.mint}/v1/swap`;
  const { id, secret, C, dleq } = before[0];
  const telling = `authA${Buffer.from(JSON.stringify({ id, secret, C, dleq })).toString('base64url')}`;
  facts.equal(
    'one that tells its factor is refused',
    await byHand('POST', swap, { 'Blind-auth': telling }),
    '400 31002',
  );
  const wallet = await openWallet(town, { auth });
  const proofs = await receiveAid(town, wallet, 6);
  facts.equal('cashu-ts pays for its requests with them', sum(await wallet.receive(proofs)), 6);
  const coins = await receiveAid(town, wallet, 2);
  const thief = new AuthManager(town.mint);
  thief.importPool(before);
  const again = await openWallet(town, { auth: thief });
  await facts.refused('one that was spent is refused', () => again.receive(coins), 31002);
  facts.equal('none is refused', await byHand('POST', swap, {}), '400 31001');
  facts.equal('the coins were not touched', sum(await wallet.receive(coins)), 2);
}

export async function no22(facts, town) {
  await facts.absent('no keys for access tokens', 'GET', `${town.mint}/v1/auth/blind/keys`);
  await facts.absent('nor keysets', 'GET', `${town.mint}/v1/auth/blind/keysets`);
  await facts.absent('nor tokens', 'POST', `${town.mint}/v1/auth/blind/mint`, { outputs: [] });
}
