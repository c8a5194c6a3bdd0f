/** The page: its head, its parts in the order of their urgency, and the keys that reach them. */
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { forgetToken, hasToken, keepToken } from "./api.js";
import { Features } from "./features.js";
import { html } from "./html.js";
import { Ladder, Now } from "./ladder.js";
import { live, put, refresh, start, usePart } from "./live.js";
import { Log } from "./log.js";
import { decide, OverrideDialog } from "./overrides.js";
import { Performance } from "./performance.js";
import { Reviews } from "./reviews.js";
import { Rollout } from "./rollout.js";
import { decideRollout, RolloutDialog } from "./rollout-dialog.js";
import { Said } from "./said.js";
import { TimeLine } from "./time-line.js";
import { Machine, Traffic } from "./traffic.js";
import { lasting, timeOfDay } from "./words.js";

const sections = [["now", "Now"], ["rollout", "Rollout"], ["time", "Time line"], ["traffic", "Traffic"], ["features", "Features"], ["performance", "Performance"], ["machine", "GPU and CPU"], ["reviews", "Reviews"], ["log", "Log"]];

const themeKey = "pilotfish-theme";
const themes = /** @type {const} */ (["auto", "light", "dark"]);
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function App() {
  const link = usePart("link");
  const [theme, setTheme] = useState(localStorage.getItem(themeKey) ?? "auto");
  const [isDark, setIsDark] = useState(systemDark.matches);
  const help = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
    localStorage.setItem(themeKey, theme);
  }, [theme]);
  useEffect(() => {
    const changed = () => setIsDark(systemDark.matches);
    systemDark.addEventListener("change", changed);
    return () => systemDark.removeEventListener("change", changed);
  }, []);
  const nextTheme = () => setTheme((now) => themes[(themes.indexOf(/** @type {"auto"} */ (now)) + 1) % themes.length] ?? "auto");
  useKeys({ help: () => help.current?.showModal(), theme: nextTheme });
  const drawn = theme === "auto" ? (isDark ? "dark" : "light") : theme;
  return html`<${Head} theme=${theme} nextTheme=${nextTheme} help=${() => help.current?.showModal()} />
    ${link === "locked"
      ? html`<${Locked} />`
      : html`<${Lost} />
        <main class=${link === "live" ? "grid" : "grid old"}>
          <${Now} /><${Ladder} /><${Rollout} /><${TimeLine} /><${Traffic} theme=${drawn} /><${Features} /><${Performance} /><${Machine} theme=${drawn} /><${Reviews} /><${Log} />
        </main>`}
    <${OverrideDialog} /><${RolloutDialog} /><${Help} dialog=${help} /><${Said} />`;
}

/** @param {{ theme: string, nextTheme: () => void, help: () => void }} props */
function Head({ theme, nextTheme, help }) {
  const state = usePart("state");
  const link = usePart("link");
  const signals = usePart("signals");
  const heardAt = usePart("heardAt");
  const words = { starting: "connecting", live: signals === "stream" ? "live" : "live, asking", lost: "no connection", locked: "locked" };
  return html`<header class="top">
    ${link !== "locked" && html`<a class="skip" href="#now">Skip to what is so now</a>`}
    <h1><svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true"><path d="M2 16c6-9 15-9 21-1l7-5v12l-7-5c-6 8-15 8-21-1z" fill="currentColor" /></svg> Pilotfish</h1>
    <span class="about">${state?.model?.name ?? ""}${state?.model?.version ? html` <span class="note">version ${state.model.version}</span>` : ""} <span class="note">${state?.instance ?? ""}</span></span>
    ${link === "locked" ? html`<span class="space"></span>` : html`<nav aria-label="Parts of the page">${sections.map(([id, title]) => html`<a key=${id} href=${`#${id}`}>${title}</a>`)}</nav>`}
    <span class=${`link link-${link}`} data-testid="link"><span aria-hidden="true">${link === "live" ? "●" : link === "starting" ? "○" : "✕"}</span> ${words[link]}${link === "live" && heardAt > 0 ? html` <time>${timeOfDay(heardAt)}</time>` : ""}</span>
    ${link !== "locked" && hasToken() && html`<button type="button" class="quiet" onClick=${() => { forgetToken(); put("lockedBy", ""); put("link", "locked"); }}>Forget token</button>`}
    <button type="button" class="quiet" onClick=${nextTheme} aria-label=${`Colours: ${theme}. Change`}>${theme === "dark" ? "☾" : theme === "light" ? "☀" : "◐"} ${theme}</button>
    <button type="button" class="quiet" onClick=${help} aria-label="Keys">?</button>
  </header>`;
}

function Lost() {
  const link = usePart("link");
  const nowMs = usePart("now");
  if (link !== "lost") return undefined;
  return html`<p class="lost" role="alert"><strong>✕ No word from Pilotfish</strong> since ${timeOfDay(live.heardAt, nowMs)}, for ${lasting(nowMs - live.heardAt)}. What stands below was so then; nothing is known of now. Asking again…</p>`;
}

function Locked() {
  const why = usePart("lockedBy");
  const field = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => field.current?.focus(), []);
  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    const token = field.current?.value.trim() ?? "";
    if (token === "") return;
    keepToken(token);
    put("link", "starting");
    refresh("state", "recent", "features", "reviews", "history", "rollout", "versions");
  }
  return html`<main class="locked"><form onSubmit=${submit}>
    <h2>This sidecar asks for a token</h2>
    <p class="note">${why}</p>
    <label>Token<input ref=${field} type="password" name="token" autocomplete="off" /></label>
    <p class="note">It is kept in this tab only, and sent with each request.</p>
    <button type="submit" class="strong">Open the console</button>
  </form></main>`;
}

const keys = [["1 – 9", "to a part of the page"], ["p", "pin a backend"], ["h", "hold the route"], ["d", "drain the primary"], ["r", "release the override"], ["s", "start a rollout"], ["m", "promote the candidate"], ["a", "abort the rollout"], ["/", "filter features"], ["t", "colours: auto, light, dark"], ["?", "this list"], ["Esc", "close a dialog"]];

/** @param {{ dialog: { current: HTMLDialogElement | null } }} props */
function Help({ dialog }) {
  return html`<dialog ref=${dialog} aria-labelledby="help-title"><h2 id="help-title">Keys</h2>
    <dl class="keys">${keys.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <form method="dialog" class="actions" onSubmit=${(/** @type {SubmitEvent} */ event) => { event.preventDefault(); dialog.current?.close(); }}><button class="strong" type="submit">Close</button></form></dialog>`;
}

/** @param {{ help: () => void, theme: () => void }} actions */
function useKeys(actions) {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    /** @param {KeyboardEvent} event */
    const pressed = (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") !== null || target.matches("input, select, textarea")) return;
      const act = { "?": latest.current.help, t: latest.current.theme, p: () => decide({ action: "pin" }), h: () => decide({ action: "hold" }), d: () => decide({ action: "drain" }), r: () => decide({ action: "release" }), s: () => decideRollout("start"), m: () => decideRollout("promote"), a: () => decideRollout("abort"), "/": () => document.getElementById("filter")?.focus() }[event.key];
      const section = sections[Number(event.key) - 1];
      if (act === undefined && section === undefined) return;
      event.preventDefault();
      if (act !== undefined) return act();
      const part = document.getElementById(section?.[0] ?? "");
      part?.setAttribute("tabindex", "-1");
      part?.focus({ preventScroll: true });
      part?.scrollIntoView({ block: "start" });
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

const root = /** @type {HTMLElement} */ (document.getElementById("console"));
root.replaceChildren();
render(html`<${App} />`, root);
start();
