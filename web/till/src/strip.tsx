// P3: the receipt strip, for the customer who asks for one. No name, no time, nothing of what was bought stands on it: whoever finds it learns a
// shop and a sum. How much the customer has left stands there neither, because no till can know it.

import { Button } from "@amparo/kit/parts.tsx";
import { _ } from "@amparo/kit/words.ts";
import type { ComponentChildren } from "preact";

/** A button that prints the strip: the shop, what became of the sale (`title`), `children`, and why it was refused (`code`, one of
 * docs/errors.md). On the screen there is only the button. */
export function Strip({ shop, title, code, children }: { shop: string; title: string; code?: string; children?: ComponentChildren }) {
  return (
    <>
      <Button kind="quiet" icon="paper" onPress={() => print()}>
        {_("Print a receipt")}
      </Button>
      <div class="strip" aria-hidden="true">
        <p>
          <bdi>{shop}</bdi>
        </p>
        <h2>{title}</h2>
        {children}
        {code ? <bdi dir="ltr">{code}</bdi> : null}
        <small>{_("No name and no time stand on this paper.")}</small>
      </div>
    </>
  );
}
