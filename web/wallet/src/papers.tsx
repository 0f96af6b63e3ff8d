// W9: each decision with its reasons, checked on this phone against the published rule; take the aid; complain.

import { Icon } from "@amparo/kit/icon.tsx";
import { Amount, Button, Choice, Failed, Notice, Screen } from "@amparo/kit/parts.tsx";
import { canHandOver, handOver, saveFile } from "@amparo/kit/save_file.ts";
import { nameOf } from "@amparo/kit/settings.ts";
import { failureOf, useTask } from "@amparo/kit/task.ts";
import type { Failure } from "@amparo/kit/task.ts";
import { _, fill, fillText, isolated, language, moment } from "@amparo/kit/words.ts";
import { sign } from "@amparo/kit/world.ts";
import { useEffect, useState } from "preact/hooks";
import { isFinding } from "./finding.ts";
import type { Aid, Paper } from "./model.ts";
import { Refused } from "./refused.tsx";
import { failureWords } from "./says.ts";
import type { Complaint, Explained, World } from "./state.ts";

/** All decisions; new aid first. */
export function Papers({ world }: { world: World }) {
  const { wallet, go, back, online } = world;
  const { busy, failure, run } = useTask();
  const fetch = () =>
    run(async () => {
      await wallet.fetchPapers();
      world.changed();
    });
  useEffect(() => {
    if (online && wallet.isEnrolled()) fetch();
  }, [online]);
  const papers = wallet.papers();
  return (
    <Screen title={_("Decisions")} say={_("Each decision about your aid, with its reasons.")} onBack={back}>
      {papers.length === 0 && !busy ? <p>{_("No decision yet.")}</p> : null}
      <Failed said={failure && failureWords(failure)} />
      {newestFirst(papers).map(({ paper, place }) => {
        const aid = wallet.aid(paper);
        return (
          <Choice
            key={place}
            icon={aid.due && !paper.claimed ? "receive" : aid.amount > 0 ? "check" : "why"}
            title={`${nameOf(world.told, aid.unit, language())} · ${isolated(aid.cycle)}`}
            note={stateOf(aid, paper)}
            onPress={() => go("paper", place)}
          />
        );
      })}
      {wallet.isEnrolled() ? (
        <Button icon="update" disabled={busy || !online} onPress={fetch}>
          {busy ? _("One moment…") : _("Look for new decisions")}
        </Button>
      ) : (
        <Button icon="plus" onPress={() => go("enrol")}>
          {_("Add the office's code")}
        </Button>
      )}
    </Screen>
  );
}

function newestFirst(papers: Paper[]): { paper: Paper; place: number }[] {
  const rank = ({ paper }: { paper: Paper }) => (paper.claimed ? 0 : 1);
  return papers.map((paper, place) => ({ paper, place })).reverse().sort((one, two) => rank(two) - rank(one));
}

function stateOf(aid: Aid, paper: Paper): string {
  if (aid.taken) return _("taken");
  if (aid.due && paper.claimed) return _("taken with another phone");
  if (aid.due) return _("ready to take");
  if (aid.amount === 0) return _("no aid, see why");
  return paper.approved ? _("taken") : _("waits for a second person's approval");
}

/** One decision: what it says, why, checked here; and what can be done. */
export function PaperDetail({ world, place }: { world: World; place: number }) {
  const { wallet, go, back, home, online } = world;
  const paper = wallet.papers()[place];
  const [explained, setExplained] = useState<Explained | undefined>();
  const [false_, setFalse] = useState<Failure | undefined>();
  const { busy, failure, run } = useTask();
  const check = async () => {
    setExplained(undefined);
    setFalse(undefined);
    if (!paper) return;
    try {
      setExplained(await world.keep.explain(paper));
    } catch (thrown) {
      setFalse(failureOf(thrown));
    }
  };
  useEffect(() => void check(), [place]);
  if (!paper) return <Screen title={_("Decisions")} say={_("Each decision about your aid, with its reasons.")} onBack={back}>{null}</Screen>;
  const aid = wallet.aid(paper);
  const label = sign(world, aid.unit);
  const claim = (hurry: boolean) =>
    run(async () => {
      await wallet.claim(paper, { hurry });
      world.changed();
      home("home");
    });
  return (
    <Screen title={`${nameOf(world.told, aid.unit, language())} · ${isolated(aid.cycle)}`} say={_("Here is why the answer was yes or no.")} onBack={back}>
      <p class="sum">
        {aid.amount > 0 ? <Amount minor={aid.amount} sign={label} large /> : <b>{_("No aid in this round")}</b>}
        <small>{stateOf(aid, paper)}</small>
      </p>
      {aid.due ? (
        <>
          <Refused failure={failure} onHurry={() => claim(true)} busy={busy} />
          <Button kind="main" icon="receive" disabled={busy || !online} onPress={() => claim(false)}>
            {busy ? _("One moment…") : _("Take your aid")}
          </Button>
          {online ? null : <p class="hint">{_("This needs a connection.")}</p>}
        </>
      ) : null}
      {aid.crowd > 1 ? <p class="hint">{fill(_("You are one of {n} with this aid: nobody can tell whose purchase is whose."), { n: String(aid.crowd) })}</p> : null}
      {aid.payFrom > Date.now() / 1000 ? <p class="hint">{fill(_("It can be paid from {moment}, together with the others."), { moment: moment(aid.payFrom) })}</p> : null}
      <h2>{_("Why?")}</h2>
      {explained ? (
        <>
          <Notice kind="good" icon="shield">
            <p>{_("Checked on this phone: the published rule gives the same result.")}</p>
          </Notice>
          <ul class="entries">
            {explained.reasons.map((reason) => (
              <li key={reason.text}>
                <Icon name={reason.met ? "check" : "cross"} />
                <span class="what">
                  {reason.text}
                  <small>{reason.met ? _("met") : _("not met")}</small>
                </span>
              </li>
            ))}
          </ul>
          <h2>{_("What was known of you")}</h2>
          <Facts rows={explained.facts} />
          {explained.people.map((rows, place) => (
            <section key={place}>
              <h3>{fill(_("Person {n}"), { n: String(place + 1) })}</h3>
              <Facts rows={rows} />
            </section>
          ))}
        </>
      ) : false_ ? (
        <Notice kind={isFinding(false_.code) ? "bad" : "note"}>
          <p>
            {isFinding(false_.code)
              ? fill(_("This decision does not agree with what was published ({code}). This is proof: complain."), { code: false_.code })
              : failureWords(false_)}
          </p>
        </Notice>
      ) : (
        <p class="wait">{_("Checking…")}</p>
      )}
      <div class="pair">
        <Button icon="update" onPress={() => void check()}>
          {_("Check it again")}
        </Button>
        <Button icon="complain" onPress={() => go("complain", { place, code: false_ && isFinding(false_.code) ? false_.code : "" } satisfies Complaint)}>
          {_("Complain")}
        </Button>
      </div>
    </Screen>
  );
}

function Facts({ rows }: { rows: [string, string][] }) {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  );
}

const FILE = "amparo-receipt.json";

/** The complaint, begun for the person, and the signed proof: both to whom they choose. */
export function Complain({ world, about: { place, code } }: { world: World; about: Complaint }) {
  const paper = world.wallet.papers()[place];
  const [text, setText] = useState(() => (paper ? begunComplaint(world, paper, code) : ""));
  const [proof, setProof] = useState<string | undefined>();
  const { busy, failure, run } = useTask();
  // Before it is asked for: a browser gives files away only right after a touch.
  useEffect(() => {
    if (paper && !proof) run(async () => setProof(await world.keep.proof(paper)));
  }, [world.online]);
  return (
    <Screen title={_("Complain")} say={_("Complaining is your right and never costs you aid.")} onBack={world.back}>
      <Notice kind="plain">
        <p>{_("Complaining is your right and never costs you aid.")}</p>
      </Notice>
      <p class="hint">{_("The proof holds what the office knew of you for this decision. It does not hold what you bought.")}</p>
      {canHandOver() ? (
        <>
          <label for="complaint">{_("Your complaint")}</label>
          <textarea id="complaint" dir="auto" value={text} onInput={(event) => setText(event.currentTarget.value)} />
          <Button kind="main" icon="next" disabled={busy || !proof} onPress={() => run(() => handOver(FILE, proof ?? "", text))}>
            {_("Send it with the proof")}
          </Button>
        </>
      ) : null}
      <p>{_("Give the proof to the office, or to anybody you trust. They can check it without this phone.")}</p>
      <Button icon="file" disabled={busy || !proof} onPress={() => saveFile(FILE, proof ?? "")}>
        {_("Save the proof")}
      </Button>
      <Failed said={failure && failureWords(failure)} />
      {world.told.contact ? <p>{fill(_("Call or visit: {contact}"), { contact: world.told.contact })}</p> : null}
    </Screen>
  );
}

function begunComplaint(world: World, paper: Paper, code: string): string {
  const { programme, cycle } = world.wallet.aid(paper);
  const about = fillText(_("Decision of the programme {programme}, round {cycle}."), { programme: isolated(programme), cycle: isolated(cycle) });
  const why = code ? fillText(_("My phone checked it: it does not agree with what was published ({code})."), { code: isolated(code) }) : _("I do not agree, because:");
  return `${about}\n${why}\n`;
}
