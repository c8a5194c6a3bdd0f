/** One line on what was just done, for eyes and for screen readers; it goes by itself. */
import { useEffect, useState } from "preact/hooks";
import { html } from "./html.js";

/** @type {((text: string) => void) | undefined} */
let show;
const shownMs = 6_000;

/** @param {string} text */
export function say(text) {
  show?.(text);
}

export function Said() {
  const [text, setText] = useState("");
  useEffect(() => {
    show = setText;
  }, []);
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => setText(""), shownMs);
    return () => clearTimeout(timer);
  }, [text]);
  return html`<div class=${text === "" ? "said" : "said shown"} role="status">${text}</div>`;
}
