// Keys, tokens, quotes, swaps, restoring: NUT-00 to 07, 09, 12, 13, 19, 20, 29.
import http from 'node:http';
import { deriveKeysetId, getEncodedToken, getTokenMetadata, hasValidDleq } from '@cashu/cashu-ts';
import { askAid, freshOutputs, newKey, openWallet, payAid, receiveAid, spendByHand, sum } from './tools.mjs';

export async function nut00(facts, town) {
  const alice = await openWallet(town);
  const bob = await openWallet(town);
  const { keep, send } = await alice.send(21, await receiveAid(town, alice, 100));
  facts.equal('what is kept and what is sent add up', sum(keep) + sum(send), 100);
  const token = getEncodedToken({ mint: town.mint, proofs: send, unit: town.unit, memo: 'bread' });
  facts.check('the token is of version 4', token.startsWith('cashuB'), token);
  facts.equal('its amount can be read without the mint', Number(getTokenMetadata(token).amount), 21);
  facts.equal('the receiver gets the amount', sum(await bob.receive(token)), 21);
  await facts.refused('a token is received once', () => alice.receive(token), 11001);
  facts.things.token = token;
}

export async function nut01(facts, town) {
  const wallet = await openWallet(town);
  const keyset = wallet.getKeyset();
  facts.equal('the active keyset is the one announced', keyset.id, town.keyset);
  facts.check('its id is of version 2', /^01[0-9a-f]{64}$/.test(keyset.id), keyset.id);
  facts.check('cashu-ts derives the same id from the keys', keyset.verify());
  const [one] = (await wallet.mint.getKeys(keyset.id)).keysets;
  const options = {
    unit: town.unit,
    expiry: one.final_expiry ?? undefined,
    input_fee_ppk: one.input_fee_ppk ?? undefined,
    versionByte: 1,
  };
  facts.equal('so it does from the answer about one keyset', deriveKeysetId(one.keys, options), keyset.id);
  facts.equal('there is no fee', keyset.fee, 0);
  await facts.refused('an unknown keyset is refused', () => wallet.mint.getKeys(`01${'ab'.repeat(32)}`), 12001);
}

export async function nut02(facts, town) {
  const wallet = await openWallet(town);
  const { keysets } = await wallet.mint.getKeySets();
  const ours = keysets.find((each) => each.id === town.keyset);
  facts.check('the keyset is listed and active', ours?.active);
  facts.equal('with its unit', ours?.unit, town.unit);
  facts.check(
    'every unit of the mint has an active keyset',
    new Set(keysets.filter((k) => k.active).map((k) => k.unit)).size >= 2,
  );
  facts.equal('a swap costs nothing', Number(wallet.getFeesForProofs(await receiveAid(town, wallet, 8))), 0);
}

export async function nut03(facts, town) {
  const wallet = await openWallet(town);
  const proofs = await receiveAid(town, wallet, 64);
  const preview = await wallet.prepareSwapToSend(
    64,
    proofs,
    {},
    { send: { type: 'random', denominations: [32, 16, 8, 8] } },
  );
  const { send } = await wallet.completeSwap(preview);
  facts.equal(
    'one coin becomes four',
    send
      .map((proof) => Number(proof.amount))
      .sort((a, b) => a - b)
      .join(),
    '8,8,16,32',
  );
  await facts.refused('the old coin is spent', () => wallet.receive(proofs), 11001);
  const [coin] = send;
  const outputs = freshOutputs(wallet, [coin]);
  await facts.refused('a coin cannot be put in twice', () => spendByHand(wallet, [coin, coin]), 11007);
  await facts.refused(
    'an output cannot stand twice',
    () => spendByHand(wallet, [coin], [...outputs, ...outputs]),
    11008,
  );
  await facts.refused(
    'more cannot come out than went in',
    () => spendByHand(wallet, [coin], freshOutputs(wallet, send)),
    11005,
  );
  facts.equal('the coin is still good', sum(await wallet.receive([coin])), Number(coin.amount));
}

export async function nut04(facts, town) {
  const wallet = await openWallet(town);
  const asked = await askAid(wallet, 100);
  facts.equal('a new quote has nothing paid', Number(asked.quote.amount_paid), 0);
  const claim = (quote, amount = 100) => wallet.mintProofs('benefit', amount, quote, { privkey: asked.key.secret });
  const unchecked = { quote: asked.quote.quote, pubkey: asked.key.pubkey };
  await facts.refused('an unpaid quote cannot be claimed', () => claim(unchecked), 20001);
  await payAid(town, asked);
  const paid = await wallet.checkMintQuote('benefit', asked.quote);
  facts.equal('then it is paid', Number(paid.amount_paid), 100);
  await facts.refused('more than was paid cannot be claimed', () => claim(unchecked, 101), 11005);
  facts.equal('it gives its amount', sum(await claim(paid)), 100);
  facts.equal('and says so', Number((await wallet.checkMintQuote('benefit', paid)).amount_issued), 100);
  await facts.refused('a quote is claimed once', () => claim(unchecked), 20002);
  await facts.refused(
    'an unknown quote has an error of its own',
    () => wallet.checkMintQuote('benefit', 'f'.repeat(32)),
    'token.quote_unknown',
  );
  await facts.refused(
    'an unknown unit is refused',
    () => wallet.mint.createMintQuote('benefit', { unit: 'xau', amount: 1, pubkey: newKey().pubkey }),
    11013,
  );
}

export async function nut05(facts, town) {
  const wallet = await openWallet(town);
  const proofs = await receiveAid(town, wallet, 40);
  const quote = await wallet.createMeltQuote('settle', { request: town.shop, amount: 40 });
  facts.equal('a new deposit is unpaid', quote.state, 'UNPAID');
  const less = { quote: quote.quote, amount: 8 };
  await facts.refused(
    'too little is refused',
    async () => {
      const { send } = await wallet.send(8, await receiveAid(town, wallet, 8));
      await wallet.meltProofs('settle', less, send);
    },
    11005,
  );
  const done = await wallet.meltProofs('settle', quote, proofs);
  facts.equal('the right amount settles it', done.quote.state, 'PAID');
  facts.equal('without change', done.change.length, 0);
  facts.equal('the quote remembers', (await wallet.checkMeltQuote('settle', quote.quote)).state, 'PAID');
  const later = await wallet.createMeltQuote('settle', { request: town.shop, amount: 4 });
  const preview = await wallet.prepareMelt('settle', later, await receiveAid(town, wallet, 4));
  const begun = await wallet.completeMelt(preview, undefined, { preferAsync: true });
  facts.check('who does not wait is told that it goes on', ['PENDING', 'PAID'].includes(begun.quote.state), begun.quote.state);
  for (let turn = 0; turn < 100 && (await wallet.checkMeltQuote('settle', later.quote)).state !== 'PAID'; turn++) {
    await new Promise((done) => setTimeout(done, 50));
  }
  facts.equal('and finds it paid', (await wallet.checkMeltQuote('settle', later.quote)).state, 'PAID');
  const [state] = await wallet.checkProofsStates(proofs);
  facts.equal('the coins are spent', state.state, 'SPENT');
  await facts.refused(
    'spent coins settle nothing',
    async () => {
      const again = await wallet.createMeltQuote('settle', { request: town.shop, amount: 40 });
      await wallet.meltProofs('settle', again, proofs);
    },
    11001,
  );
}

export async function nut06(facts, town) {
  const info = (await openWallet(town)).getMintInfo();
  facts.check('it has a name and a version', info.name && info.version);
  facts.check(
    'it can mint by benefit',
    info.nuts[4].methods.some((each) => each.method === 'benefit' && each.unit === town.unit),
  );
  facts.check(
    'it can melt by settle',
    info.nuts[5].methods.some((each) => each.method === 'settle' && each.unit === town.unit),
  );
  facts.check('minting is on', !info.isSupported(4).disabled);
  for (const nut of [7, 9, 10, 11, 12, 20])
    facts.check(`cashu-ts sees that NUT-${nut} is on`, info.isSupported(nut).supported);
}

export async function nut07(facts, town) {
  const wallet = await openWallet(town);
  const { keep, send } = await wallet.send(5, await receiveAid(town, wallet, 13));
  await wallet.receive(send);
  const all = [keep[0], send[0], ...keep.slice(1)];
  const states = await wallet.checkProofsStates(all);
  facts.equal(
    'states stand in the order asked',
    states.map((each) => each.state).join(),
    all.map((each) => (each === send[0] ? 'SPENT' : 'UNSPENT')).join(),
  );
  const groups = await wallet.groupProofsByState([...keep, ...send]);
  facts.equal('cashu-ts groups what is spent', sum(groups.spent), 5);
  facts.equal('and what is not', sum(groups.unspent), 8);
  await facts.refused(
    'what has not even the form of a point is refused',
    () => wallet.mint.check({ Ys: ['02' + 'xy'.repeat(32)] }),
    'token.bad_point',
  );
}

export async function nut09(facts, town) {
  const seed = crypto.getRandomValues(new Uint8Array(64));
  const lost = await openWallet(town, { seed });
  const { keep, send } = await lost.send(10, await receiveAid(town, lost, 77));
  await (await openWallet(town)).receive(send);
  const found = await openWallet(town, { seed });
  const { proofs, lastCounterWithSignature } = await found.batchRestore();
  await found.counters.advanceToAtLeast(found.keysetId, lastCounterWithSignature + 1);
  const { unspent } = await found.groupProofsByState(proofs);
  facts.equal('the seed alone brings back what is unspent', sum(unspent), sum(keep));
  facts.check(
    'with valid proofs of its signatures',
    unspent.every((proof) => hasValidDleq(proof, found.getKeyset(proof.id))),
  );
  facts.equal('and it can be spent', sum(await found.receive(unspent)), sum(keep));
  const stranger = await openWallet(town, { seed: crypto.getRandomValues(new Uint8Array(64)) });
  facts.equal('another seed brings back nothing', (await stranger.batchRestore()).proofs.length, 0);
}

export async function nut12(facts, town) {
  const alice = await openWallet(town);
  const proofs = await receiveAid(town, alice, 50);
  facts.check(
    'every new coin has a valid proof',
    proofs.every((proof) => hasValidDleq(proof, alice.getKeyset(proof.id))),
  );
  const { send } = await alice.send(20, proofs);
  const token = getEncodedToken({ mint: town.mint, proofs: send, unit: town.unit });
  const bob = await openWallet(town);
  facts.check(
    'the token carries the proofs',
    bob.decodeToken(token).proofs.every((proof) => proof.dleq?.r),
  );
  const got = await bob.receive(token, { requireDleq: true });
  facts.equal('who receives can insist on them', sum(got), 20);
  const [coin] = await bob.receive(got);
  const outputs = freshOutputs(bob, [coin]);
  await facts.refused(
    'the mint refuses a coin that tells its blinding factor',
    () => bob.mint.swap({ inputs: [coin], outputs }),
    'mint.blinding_factor_sent',
  );
}

/** Stands before the mint and loses the answer to the first POST of a path. `meanwhile`: what happens then; it gives the
 *  mint's address from then on. */
async function forgetful(first, path, meanwhile = () => first) {
  const lost = [];
  let target = first;
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const answer = await fetch(target + request.url, {
      method: request.method,
      headers: { 'content-type': 'application/json' },
      body: parts.length ? Buffer.concat(parts) : undefined,
    });
    const body = await answer.text();
    if (request.method === 'POST' && request.url === path && lost.length === 0) {
      lost.push(body);
      target = await meanwhile();
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(body);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    lost,
    close: () => server.close() || server.closeAllConnections(),
  };
}

/** The mint is started anew between a request and its repetition: what it answers is in its database. */
export async function nut19_restart(facts, town) {
  const proofs = await receiveAid(town, await openWallet(town), 32);
  const restart = async () => (await fetch(town.restart, { method: 'POST' })).text();
  const proxy = await forgetful(town.mint, '/v1/swap', restart);
  try {
    const wallet = await openWallet(town, { url: proxy.url });
    const got = await wallet.receive(proofs);
    facts.equal('the answer to the first swap was lost', proxy.lost.length, 1);
    facts.equal('cashu-ts asked again and has its coins', sum(got), 32);
    const signed = JSON.parse(proxy.lost[0]).signatures.map((each) => each.amount);
    facts.equal('as many as were signed before the start', got.length, signed.length);
    facts.equal('and good', sum(await wallet.receive(got)), 32);
  } finally {
    proxy.close();
  }
}

export async function nut19(facts, town) {
  const direct = await openWallet(town);
  const info = direct.getMintInfo();
  facts.check(
    'the mint says which answers it repeats',
    ['/v1/swap', '/v1/mint/benefit', '/v1/melt/settle'].every((path) =>
      info.nuts[19].cached_endpoints.some((each) => each.method === 'POST' && each.path === path),
    ),
  );
  const proofs = await receiveAid(town, direct, 32);
  const proxy = await forgetful(town.mint, '/v1/swap');
  try {
    const wallet = await openWallet(town, { url: proxy.url });
    const got = await wallet.receive(proofs);
    facts.equal('the answer to the first swap was lost', proxy.lost.length, 1);
    facts.equal('cashu-ts asked again and has its coins', sum(got), 32);
    facts.check(
      'they are the ones signed the first time',
      got.every((proof) => hasValidDleq(proof, wallet.getKeyset(proof.id))),
    );
    facts.equal('and good', sum(await direct.receive(got)), 32);
  } finally {
    proxy.close();
  }
  const claims = await forgetful(town.mint, '/v1/mint/benefit');
  try {
    const got = await receiveAid(town, await openWallet(town, { url: claims.url }), 16);
    facts.equal('the answer to the first claim was lost', claims.lost.length, 1);
    facts.equal('and its coins are there all the same, and good', sum(await direct.receive(got)), 16);
  } finally {
    claims.close();
  }
  const deposits = await forgetful(town.mint, '/v1/melt/settle');
  try {
    const wallet = await openWallet(town, { url: deposits.url });
    const quote = await wallet.createMeltQuote('settle', { request: town.shop, amount: 8 });
    const done = await wallet.meltProofs('settle', quote, await receiveAid(town, direct, 8));
    facts.equal('the answer to the first deposit was lost', deposits.lost.length, 1);
    facts.equal('and it is paid once', done.quote.state, 'PAID');
  } finally {
    deposits.close();
  }
}

export async function nut20(facts, town) {
  const wallet = await openWallet(town);
  const asked = await askAid(wallet, 16);
  facts.equal('the quote tells its key', asked.quote.pubkey, asked.key.pubkey);
  await payAid(town, asked);
  const quote = await wallet.checkMintQuote('benefit', asked.quote);
  await facts.refused(
    'a thief who knows the quote cannot claim it',
    () => wallet.mintProofs('benefit', 16, { quote: quote.quote }),
    20008,
  );
  const { payload } = await wallet.prepareMint('benefit', 16, quote, { privkey: asked.key.secret });
  const other = await wallet.prepareMint('benefit', 16, quote, { privkey: asked.key.secret });
  await facts.refused(
    'nor put his outputs under its signature',
    () => wallet.mint.mint('benefit', { ...payload, outputs: other.payload.outputs }),
    20008,
  );
  facts.equal('its owner can', sum(await wallet.mintProofs('benefit', 16, quote, { privkey: asked.key.secret })), 16);
  await facts.refused(
    'no quote without a key',
    () => wallet.mint.createMintQuote('benefit', { unit: town.unit, amount: 1 }),
    20009,
  );
}

export async function nut29(facts, town) {
  const wallet = await openWallet(town);
  const asked = [await askAid(wallet, 10), await askAid(wallet, 22)];
  const ids = asked.map((each) => each.quote.quote);
  const privkey = asked.map((each) => each.key.secret);
  // As if both were paid: cashu-ts would ask the mint for nothing else.
  const entries = asked.map(({ quote, amount }) => ({ quote: { quote: quote.quote, pubkey: quote.pubkey }, amount }));
  const prepared = () => wallet.prepareBatchMint('benefit', entries, { privkey });
  const claim = async () => wallet.completeBatchMint(await prepared());
  await payAid(town, asked[0]);
  await facts.refused('all or none: one quote is not paid', claim, 20001);
  await payAid(town, asked[1]);
  const quotes = await wallet.checkMintQuoteBatch('benefit', ids);
  facts.equal('quotes are checked together, in order', quotes.map((each) => each.quote).join(), ids.join());
  facts.equal('with what is paid', quotes.map((each) => each.amount_paid).join(), '10,22');
  const { payload } = await prepared();
  const twice = { ...payload, quotes: [ids[0], ids[0]], signatures: [payload.signatures[0], payload.signatures[0]] };
  await facts.refused('a quote stands once in a batch', () => wallet.mint.mintBatch('benefit', twice), 11016);
  const alone = { ...payload, signatures: [payload.signatures[0], null] };
  await facts.refused('every key signs', () => wallet.mint.mintBatch('benefit', alone), 20008);
  facts.equal('they are claimed together', sum(await claim()), 32);
  await facts.refused('once', claim, 20002);
}

export async function no29(facts, town) {
  await facts.absent('no batch is checked', 'POST', `${town.mint}/v1/mint/quote/benefit/check`, {
    quotes: ['f'.repeat(32)],
  });
  await facts.absent('no batch is minted', 'POST', `${town.mint}/v1/mint/benefit/batch`, {
    quotes: ['f'.repeat(32)],
    outputs: [],
  });
}

export async function no19(facts, town) {
  facts.check('no answer is promised to be repeated', (await openWallet(town)).getMintInfo().nuts[19] === undefined);
}
