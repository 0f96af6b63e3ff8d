// A file that the person takes off the phone.

/** Offer a text as a file with this name. */
export function saveFile(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new File([text], name, { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Whether this phone gives files to its other apps. */
export function canHandOver(): boolean {
  return "canShare" in navigator;
}

/** Give a file, and words beside it, to another app that the person picks, or to none. As text: few apps take JSON from another. */
export async function handOver(name: string, text: string, words: string): Promise<void> {
  try {
    await navigator.share({ text: words, files: [new File([text], `${name}.txt`, { type: "text/plain" })] });
  } catch (thrown) {
    if ((thrown as Error).name !== "AbortError") throw thrown;
  }
}
