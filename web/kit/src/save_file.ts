// A file that the person takes off the phone.

/** Offer a text as a file with this name. */
export function saveFile(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new File([text], name, { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// As text: few apps take JSON from another.
const asText = (name: string, text: string) => new File([text], `${name}.txt`, { type: "text/plain" });

/** Whether this phone gives files to its other apps. */
export function canHandOver(): boolean {
  return navigator.canShare?.({ files: [asText("a", "")] }) ?? false;
}

/** Give a file, and words beside it, to another app that the person picks, or to none: to be called at a touch. */
export async function handOver(name: string, text: string, words: string): Promise<void> {
  try {
    await navigator.share({ text: words, files: [asText(name, text)] });
  } catch (thrown) {
    if ((thrown as Error).name !== "AbortError") throw thrown;
  }
}
