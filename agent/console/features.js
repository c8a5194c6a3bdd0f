/**
 * Features, most evidence of drift first: a line each, whose histogram is asked for when it comes into view, so that hundreds cost
 * no more than the dozen that one sees.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { drawnOnChange, html } from "./html.js";
import { Histogram } from "./histogram.js";
import { inView, refresh, usePart } from "./live.js";
import { counted, number, percent } from "./words.js";

/** @typedef {import("./shapes.js").Feature} Feature */

/** The API's own bound. */
const askedMax = 32;

/** Known until another comes: what is out of view is not asked for again. @type {Map<string, import("./shapes.js").Histogram>} */
const histograms = new Map();

const nothing = {
  learning: "What is normal is still being learnt from traffic; until then no drift can be seen.",
  off: "Features are not watched: there is no reference that can be used. The notes in the log say why.",
  watching: "No feature has been seen yet.",
};

export function Features() {
  const features = usePart("features");
  const trouble = usePart("trouble")["features"];
  const [wanted, setWanted] = useState("");
  const [open, setOpen] = useState("");
  const list = useRef(/** @type {HTMLOListElement | null} */ (null));
  const seen = useRef(new Set());
  const all = features?.features ?? [];
  for (const { name, histogram } of all) if (histogram !== undefined) histograms.set(name, histogram);
  const shown = all.filter(({ name, cause }) => `${name} ${cause ?? ""}`.toLowerCase().includes(wanted.toLowerCase()));
  const order = shown.map(({ name }) => name).join("\n");

  useEffect(() => {
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const { name } = /** @type {HTMLElement} */ (target).dataset;
        if (isIntersecting) seen.current.add(name);
        else seen.current.delete(name);
      }
      const names = /** @type {string[]} */ ([...seen.current]).slice(0, askedMax);
      const isNew = names.some((name) => !inView.names.includes(name));
      inView.names = names;
      if (isNew) refresh("features");
    }, { rootMargin: "80px" });
    seen.current.clear();
    for (const item of list.current?.children ?? []) watch.observe(item);
    return () => watch.disconnect();
  }, [order]);

  const threshold = features?.threshold ?? null;
  const top = Math.max(threshold ?? 1, ...all.map(({ evidence }) => evidence)) * 1.05;
  return html`<section id="features" class="panel features" aria-labelledby="features-title">
    <header><h2 id="features-title">Features</h2>
      <span class="note">${features === undefined ? "" : `${counted(all.length, "column")}, ${counted(features.window, "row")} in the window${threshold === null ? "" : `; all together ${number(features.evidence ?? 0)} of ${number(threshold)} that alarm`}`}</span>
      <label class="filter"><span class="visually-hidden">Filter features</span><input id="filter" type="search" placeholder="Filter  /" value=${wanted} onInput=${(/** @type {Event} */ event) => setWanted(/** @type {HTMLInputElement} */ (event.target).value)} /></label>
    </header>
    ${trouble !== undefined && html`<p class="trouble">Not up to date: ${trouble}</p>`}
    ${all.length === 0
      ? html`<p class="nothing">${features === undefined ? "Asking…" : nothing[features.status]}</p>`
      : html`<div class="feature-head" aria-hidden="true"><span>feature</span><span>evidence</span><span>share</span><span>PSI</span><span>reference → now</span><span>what changed</span></div>
        <ol class="feature-list" ref=${list}>${shown.map((feature) => html`<${Row} key=${feature.name} feature=${feature} histogram=${histograms.get(feature.name)} top=${top} threshold=${threshold} isOpen=${open === feature.name} toggle=${setOpen} />`)}</ol>
        ${shown.length === 0 && html`<p class="nothing">No feature has “${wanted}” in its name or cause.</p>`}`}
  </section>`;
}

const Row = drawnOnChange((/** @type {{ feature: Feature, histogram: import("./shapes.js").Histogram | undefined, top: number, threshold: number | null, isOpen: boolean, toggle: (name: string) => void }} */ { feature, histogram, top, threshold, isOpen, toggle }) => {
  const { name, evidence, share, psi, cause, change, violations, jensen_shannon: jensenShannon, kind } = feature;
  const broken = Object.entries(violations).map(([what, ratio]) => `${what.replaceAll("_", " ")} ${percent(ratio, 2)}`);
  const isLoud = threshold !== null && evidence >= threshold;
  return html`<li data-name=${name} class=${isLoud ? "feature loud" : "feature"}>
    <button type="button" class="feature-line" aria-expanded=${isOpen} onClick=${() => toggle(isOpen ? "" : name)}>
      <span class="feature-name">${name}</span>
      <span class="evidence"><span class="bar" aria-hidden="true"><span style=${{ width: `${(100 * evidence) / top}%` }}></span>${threshold !== null && html`<i style=${{ left: `${(100 * threshold) / top}%` }}></i>`}</span><span class="figure">${number(evidence, 3)}</span></span>
      <span class="figure">${percent(share, 2)}</span>
      <span class="figure">${psi !== null && psi < 5e-4 ? "0" : number(psi, 2)}</span>
      ${histogram === undefined ? html`<span class="histogram"></span>` : html`<${Histogram} histogram=${histogram} name=${name} />`}
      <span class="why">${cause !== null ? html`<span class="tag warn">! cause</span> ${cause}` : change}${broken.length > 0 ? html`<span class="note"> ${broken.join(", ")}</span>` : ""}</span>
    </button>
    ${isOpen && html`<div class="feature-more"><p>${kind}; Jensen-Shannon distance ${number(jensenShannon, 3)}, PSI ${number(psi, 3)}; ${change}</p>${histogram !== undefined && html`<${Histogram} histogram=${histogram} name=${name} large=${true} />`}</div>`}
  </li>`;
});
