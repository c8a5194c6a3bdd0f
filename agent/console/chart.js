/**
 * A chart of the last minutes (uPlot), with a legend of our own that can be read without seeing colours: each line has a dash of its
 * own, and its latest value or the one under the pointer stands beside its name.
 */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { html } from "./html.js";
import { latest, shownMs } from "./series.js";

/** @typedef {import("./series.js").Line} Line */

const tones = ["--blue", "--orange", "--green", "--purple", "--sky", "--vermillion"];
/** In pixels; the first line is solid. */
const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [3, 5]];
const gutters = { left: 58, right: 10 };
const height = 168;

/** A variable's colour as the canvas understands it. @param {string} name */
function colourOf(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * @param {{ title: string, note?: string | undefined, times: number[], lines: Line[], format: (value: number | null) => string, theme: string, nothing: string, max?: number | undefined, children?: unknown }} props
 */
export function Chart({ title, note, times, lines, format, theme, nothing, max, children }) {
  const place = useRef(/** @type {HTMLDivElement | null} */ (null));
  const drawn = useRef(/** @type {uPlot | undefined} */ (undefined));
  const said = useRef(/** @type {HTMLElement | null} */ (null));
  const shown = useRef({ lines, format });
  shown.current = { lines, format };
  const labels = lines.map(({ label }) => label).join("\n");

  const tell = (/** @type {number | null | undefined} */ at) => {
    for (const [line, { values }] of shown.current.lines.entries()) {
      const value = at === null || at === undefined ? latest(values) : (values[at] ?? null);
      const item = said.current?.children[line]?.querySelector("output");
      if (item) item.textContent = shown.current.format(value);
    }
  };

  useEffect(() => {
    if (place.current === null || lines.length === 0) return;
    const ink = colourOf("--ink-2");
    const axis = { stroke: ink, font: `11px ${getComputedStyle(document.body).fontFamily}`, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: place.current.clientWidth,
        height,
        padding: [8, gutters.right, 0, 0],
        legend: { show: false },
        cursor: { y: false, sync: { key: "time" }, points: { size: 5 }, drag: { x: false, y: false } },
        scales: { y: { range: (_, __, top) => [0, max ?? (top > 0 ? top * 1.1 : 1)] } },
        axes: [
          { ...axis, size: 24, space: 80, grid: { show: false }, values: [[60, "{HH}:{mm}", null, null, null, null, null, null, 0], [1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 0]] },
          { ...axis, size: gutters.left, space: 34, grid: { stroke: colourOf("--line"), width: 1 }, values: (_, splits) => splits.map((value) => format(value)) },
        ],
        series: [{}, ...lines.map(({ label }, at) => ({ label, stroke: colourOf(/** @type {string} */ (tones[at % tones.length])), width: 1.5, dash: /** @type {number[]} */ (dashes[at % dashes.length]), points: { show: false } }))],
        hooks: { setCursor: [(self) => tell(self.cursor.idx)] },
      },
      dataOf(times, lines),
      place.current,
    );
    drawn.current = chart;
    const watch = new ResizeObserver(() => place.current !== null && chart.setSize({ width: place.current.clientWidth, height }));
    watch.observe(place.current);
    return () => {
      watch.disconnect();
      chart.destroy();
      drawn.current = undefined;
    };
  }, [labels, theme]);

  useEffect(() => {
    const chart = drawn.current;
    if (chart === undefined) return;
    chart.setData(dataOf(times, lines), false);
    const end = (times.at(-1) ?? 0) / 1_000;
    chart.setScale("x", { min: end - shownMs({ times, series: [], events: [] }) / 1_000, max: end });
    tell(chart.cursor.idx);
  }, [times, lines, labels, theme]);

  const summary = lines.map(({ label, values }) => `${label} ${format(latest(values))}`).join(", ");
  return html`<figure class="chart">
    <figcaption><h3>${title}</h3>${note && html`<span class="note">${note}</span>`}${children}</figcaption>
    ${lines.length === 0
      ? html`<p class="nothing">${nothing}</p>`
      : html`<ul class="legend" ref=${said}>${lines.map(
            ({ label, values }, at) => html`<li><svg width="22" height="8" aria-hidden="true"><line x1="0" x2="22" y1="4" y2="4" stroke-width="2" class=${`tone${at % tones.length}`} stroke-dasharray=${(dashes[at % dashes.length] ?? []).join(" ")} /></svg><span>${label}</span> <output>${format(latest(values))}</output></li>`,
          )}</ul>
          <div class="plot" ref=${place} role="img" aria-label=${`${title} of the last minutes; now: ${summary}`}></div>`}
  </figure>`;
}

/** @param {number[]} times @param {Line[]} lines @returns {uPlot.AlignedData} */
function dataOf(times, lines) {
  return [times.map((time) => time / 1_000), ...lines.map(({ values }) => values)];
}
