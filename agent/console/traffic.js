/** Latency and traffic, and the machine under them. */
import { useMemo, useState } from "preact/hooks";
import { Chart } from "./chart.js";
import { html } from "./html.js";
import { usePart } from "./live.js";
import { answerers, latency, linesOf, traffic } from "./series.js";
import { bytes, number, percent, seconds } from "./words.js";

/** @param {{ theme: string }} props */
export function Traffic({ theme }) {
  const recent = usePart("recent");
  const [rung, setRung] = useState("");
  const latencies = useMemo(() => latency(recent, rung).filter(({ values }) => values.some((value) => value !== null)), [recent, rung]);
  const rates = useMemo(() => traffic(recent), [recent]);
  const choices = answerers(recent);
  const note = rung === "" ? "each second, of whoever answered most" : `of ${rung}`;
  return html`<section id="traffic" class="panel wide pair" aria-labelledby="traffic-title">
    <h2 id="traffic-title" class="visually-hidden">Latency and traffic</h2>
    <${Chart} title="Latency" note=${note} times=${recent.times} lines=${latencies} format=${seconds} theme=${theme} nothing="No inference was answered in the last 15 minutes.">
      ${choices.length > 1 && html`<label class="choice"><span class="visually-hidden">Whose latency</span><select value=${rung} onChange=${(/** @type {Event} */ event) => setRung(/** @type {HTMLSelectElement} */ (event.target).value)}><option value="">all</option>${choices.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select></label>`}
    <//>
    <${Chart} title="Traffic" note="inferences a second, by who answered and the outcome" times=${recent.times} lines=${rates} format=${(/** @type {number | null} */ value) => `${number(value, 3)}/s`} theme=${theme} nothing="No inference came in the last 15 minutes." />
  </section>`;
}

/** @param {{ theme: string }} props */
export function Machine({ theme }) {
  const recent = usePart("recent");
  const state = usePart("state");
  const cpu = useMemo(() => firstOf(linesOf(recent, "container.cpu.time", "container"), linesOf(recent, "process.cpu.time", "process")), [recent]);
  const memory = useMemo(() => firstOf(linesOf(recent, "container.memory.working_set", "container"), linesOf(recent, "process.memory.usage", "process")), [recent]);
  const gpu = useMemo(() => linesOf(recent, "hw.gpu.utilization", "gpu").map(shortGpu), [recent]);
  const heat = useMemo(() => linesOf(recent, "hw.temperature", "gpu").map(shortGpu), [recent]);
  const silent = Object.entries(state?.collectors ?? {}).filter(([, { status }]) => status !== "ok").map(([name, { status, detail }]) => `${name}: ${detail ?? status}`);
  return html`<section id="machine" class="panel wide" aria-labelledby="machine-title">
    <header><h2 id="machine-title">GPU and CPU</h2><span class="note">${gpu.length + heat.length === 0 ? "no GPU is seen" : ""}</span></header>
    <div class="quad">
      ${gpu.length > 0 && html`<${Chart} title="GPU" note="time with a kernel at work" times=${recent.times} lines=${gpu} max=${1} format=${(/** @type {number | null} */ value) => percent(value, 2)} theme=${theme} nothing="" />`}
      ${heat.length > 0 && html`<${Chart} title="GPU heat" times=${recent.times} lines=${heat} format=${(/** @type {number | null} */ value) => `${number(value, 3)} °C`} theme=${theme} nothing="" />`}
      <${Chart} title="CPU" note="cores in use" times=${recent.times} lines=${cpu} format=${(/** @type {number | null} */ value) => number(value, 3)} theme=${theme} nothing="Neither a container nor a process is seen." />
      <${Chart} title="Memory" note="working set" times=${recent.times} lines=${memory} format=${bytes} theme=${theme} nothing="Neither a container nor a process is seen." />
    </div>
    ${silent.length > 0 && html`<p class="note silent">Silent: ${silent.join("; ")}</p>`}
  </section>`;
}

/** @param {import("./series.js").Line[]} wanted @param {import("./series.js").Line[]} otherwise */
function firstOf(wanted, otherwise) {
  return wanted.length > 0 ? wanted : otherwise;
}

/** @param {import("./series.js").Line} line */
function shortGpu({ label, values }) {
  return { label: label.replace(/^GPU-/, "").slice(0, 8), values };
}
