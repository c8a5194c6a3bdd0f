/**
 * A replay as one HTML file that needs nothing else: no script, no other file, no network. On top what happened, in words;
 * below the alarms on a line of time, performance as estimated and as realised, and each feature, the one that moved most
 * first.
 */
import { basename } from "node:path";
import { isoTime } from "./times.ts";
import { rankFeatures, type RankedFeature } from "./ranking.ts";
import { headline } from "./chunk-performance.ts";
import type { Replay } from "./replay.ts";
import { placeOf, xAxis } from "./report-axis.ts";
import { card } from "./report-cards.ts";
import { lane, plot, type Lane, type Line } from "./report-plots.ts";
import { reportStyle } from "./report-style.ts";
import { escaped, metricName, sentences, timeText, when } from "./report-words.ts";
import { count, short } from "./text-table.ts";

export interface ReportAbout {
  readonly model: string;
  /** As a person named it. */
  readonly data: string;
  readonly referenceRows: number;
  readonly thinning: number;
  readonly madeAtMs: number;
}

const lanesMax = 12;
const alarmsShown = 40;

export function report(replay: Replay, about: ReportAbout): string {
  const ranked = rankFeatures(replay);
  const said = sentences(replay, ranked, about.thinning);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escaped(about.model)}: replay of ${escaped(about.data)}</title>
<style>${reportStyle}</style>
</head>
<body>
<main>
<header>
<p class="soft">Pilotfish replay</p>
<h1>${escaped(about.model)} <span class="soft">on ${escaped(basename(about.data))}</span></h1>
<p class="about small">${span(replay)} · reference of ${count(about.referenceRows)} rows · made ${timeText(isoTime(about.madeAtMs))} UTC</p>
</header>
${tiles(replay, ranked)}
<ul class="sentences">${said.map(({ text, isBad }) => `<li class="sentence${isBad ? " bad" : ""}">${text}</li>`).join("")}</ul>
${timeline(replay, ranked)}
${performance(replay)}
<h2>Features</h2>
<p class="soft">Worst first. Grey is the reference, the line is what came. The distance is Jensen and Shannon's, from 0 (the same) to 1; below the dotted line it is what chance makes.</p>
${ranked.map((feature, index) => card(replay, feature, index)).join("\n")}
${alarmTable(replay)}
</main>
</body>
</html>
`;
}

function span({ rows, chunks, chunking }: Replay): string {
  const [start, end] = [chunks[0]?.start, chunks.at(-1)?.end];
  const times = start === undefined || end === undefined ? "" : `${timeText(start)} to ${timeText(end)} · `;
  return `${times}${count(rows)} rows in ${chunks.length} chunks of ${typeof chunking === "object" ? `${count(chunking.rows)} rows` : `a ${chunking}`}`;
}

function tiles({ chunks, alarms }: Replay, ranked: readonly RankedFeature[]): string {
  const moved = ranked.filter(({ firstAlarm }) => firstAlarm !== undefined).length;
  const tile = (figure: string, name: string, isBad = false) => `<div class="tile${isBad ? " bad" : ""}"><b>${figure}</b><span class="soft small">${name}</span></div>`;
  const worst = (["estimated", "realised"] as const).flatMap((kind) => {
    const name = headline(chunks.find(({ performance: one }) => one[kind] !== undefined)?.performance[kind] ?? {});
    if (name === undefined) return [];
    const values = chunks.flatMap(({ performance: one }) => one[kind]?.[name]?.value ?? []);
    const least = name === "mae" || name === "rmse" ? Math.max(...values) : Math.min(...values);
    return [tile(short(Number(least.toPrecision(3))), `worst ${kind} ${metricName(name)}`, alarms.some((alarm) => alarm.kind === `${kind}-performance`))];
  });
  return `<div class="tiles">${tile(`${moved} of ${ranked.length}`, "features and scores moved", moved > 0)}${tile(String(alarms.length), alarms.length === 1 ? "alarm" : "alarms", alarms.length > 0)}${worst.join("")}</div>`;
}

function timeline(replay: Replay, ranked: readonly RankedFeature[]): string {
  const { rows, alarms, spans } = replay;
  if (alarms.length === 0) return "";
  const at = (row: number) => placeOf(replay, row);
  const lanes: Lane[] = ranked
    .filter(({ firstAlarm }) => firstAlarm !== undefined)
    .slice(0, lanesMax)
    .map(({ reference, alarmName }) => ({
      name: reference.name,
      spans: [],
      alarms: alarms.filter(({ feature }) => feature !== undefined && feature === alarmName).map(({ row, message }) => ({ at: at(row), title: `${when(replay, row)}: ${message}` })),
    }));
  const kinds = [["violations", "rules broken"], ["mistakes", "wrong predictions"], ["estimated-performance", "estimated performance"], ["realised-performance", "realised performance"]] as const;
  for (const [kind, name] of kinds) {
    const own = alarms.filter((alarm) => alarm.kind === kind);
    if (own.length > 0) lanes.push({ name, spans: [], alarms: own.map(({ row, message }) => ({ at: at(row), title: `${when(replay, row)}: ${message}` })) });
  }
  const raised: Lane = { name: "drift alarm on", spans: spans.filter(({ kind }) => kind === "drift").map(({ first, last }) => [at(first), at(Math.min(last, rows - 1))] as const), alarms: [] };
  return `<h2>Alarms</h2>
<p class="soft">A dot where something was named for the first time in an alarm, a bar while the alarm was on.</p>
<div class="lanes">${[raised, ...lanes].map(lane).join("")}<div class="lane"><span></span>${xAxis(replay)}</div></div>`;
}

/** Shown at once; the others unfold. */
const plotsOpen = 2;
const order = ["roc_auc", "accuracy", "mae", "rmse", "f1", "precision", "recall", "log_loss", "brier", "ece"];

function performance(replay: Replay): string {
  const names = new Set(replay.chunks.flatMap(({ performance: { estimated, realised } }) => [...Object.keys(estimated ?? {}), ...Object.keys(realised ?? {})]));
  if (names.size === 0) return "";
  const rank = (name: string) => (order.indexOf(name) + order.length + 1) % (order.length + 1);
  const plots = [...names].sort((a, b) => rank(a) - rank(b)).map((name) => performancePlot(replay, name));
  const more = plots.slice(plotsOpen);
  return `<h2>Performance</h2>
<p class="soft">Estimated from the scores alone, realised once what came true was known. Shaded is what the size of a chunk leaves open; the dotted lines bound where the reference's chunks lie.</p>
${plots.slice(0, plotsOpen).join("\n")}
${more.length > 0 ? `<details class="more"><summary>${more.length} more figures</summary>${more.join("\n")}</details>` : ""}`;
}

function performancePlot(replay: Replay, name: string): string {
  const { chunks, bands } = replay;
  const lines = (["estimated", "realised"] as const).flatMap((kind): Line[] => {
    const banded = chunks.map(({ performance: one }) => one[kind]?.[name]);
    return banded.some((one) => one !== undefined) ? [{ name: kind, values: banded.map((one) => one?.value), bands: banded, dots: chunks.length <= 80 }] : [];
  });
  const band = bands.estimated[name] ?? bands.realised[name];
  const titles = chunks.map(({ performance: one }, index) =>
    [`chunk ${index}`, ...(["estimated", "realised"] as const).flatMap((kind) => (one[kind]?.[name] === undefined ? [] : [`${kind} ${short(one[kind][name].value)} (${short(one[kind][name].lower)} to ${short(one[kind][name].upper)})`]))].join(", "),
  );
  const keys = lines.map(({ name: kind }) => `<span class="key"><svg viewBox="0 0 26 10"><path class="${kind}" d="M0 5H26"/></svg>${kind}</span>`).join("");
  return `<figure><figcaption><h3>${metricName(name)}</h3><span>${keys}</span></figcaption>${plot({ lines, limits: band === undefined ? [] : [band.lower, band.upper].filter(Number.isFinite), titles })}${xAxis(replay)}</figure>`;
}

function alarmTable(replay: Replay): string {
  const { alarms } = replay;
  if (alarms.length === 0) return "";
  const row = ({ row: index, kind, feature, message }: Replay["alarms"][number]) => `<tr><td>${when(replay, index).slice(3)}</td><td>${kind}</td><td>${escaped(feature ?? "")}</td><td>${escaped(message)}</td></tr>`;
  const more = alarms.length > alarmsShown ? `<p class="soft small">and ${alarms.length - alarmsShown} more; --json has them all</p>` : "";
  return `<h2>All alarms</h2><div class="scroll"><table><thead><tr><th>where</th><th>kind</th><th>feature</th><th>message</th></tr></thead><tbody>${alarms.slice(0, alarmsShown).map(row).join("")}</tbody></table></div>${more}`;
}
