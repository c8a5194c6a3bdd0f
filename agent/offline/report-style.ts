/**
 * How a report looks: light and dark by the reader's setting, light on paper; one column on a phone. Colours are those of
 * M. Okabe and K. Ito, which people who see few colours tell apart too; and no difference is told by colour alone.
 */
export const reportStyle = `
:root {
  color-scheme: light dark;
  --paper: #fdfdfb; --card: #ffffff; --ink: #1b1f24; --soft: #5d6670; --line: #dfe3e6; --ghost: #c9ced3;
  --blue: #0072b2; --blue-band: #0072b226; --green: #00805c; --green-band: #009e7326; --red: #c2410c; --red-band: #d55e001f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #12161a; --card: #1a1f25; --ink: #e8eaed; --soft: #9aa4ae; --line: #2c333a; --ghost: #4a535c;
    --blue: #56b4e9; --blue-band: #56b4e933; --green: #2fc79a; --green-band: #2fc79a2b; --red: #ff8f4a; --red-band: #ff8f4a26;
  }
}
@media print {
  :root {
    --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #ccc; --ghost: #bbb;
    --blue: #0072b2; --blue-band: #0072b226; --green: #00805c; --green-band: #009e7326; --red: #c2410c; --red-band: #d55e001f;
  }
  .card, .sentence, figure { break-inside: avoid; }
  body { font-size: 10pt; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; font-variant-numeric: tabular-nums; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
main { max-width: 1080px; margin: 0 auto; padding: 40px 20px 80px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 48px 0 4px; }
h2 + p { margin: 0 0 14px; }
h3 { font-size: 15px; margin: 0; overflow-wrap: anywhere; }
p { margin: 0 0 8px; }
.soft, .about { color: var(--soft); }
.about { margin: 6px 0 0; }
.small { font-size: 12.5px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 10px; margin: 24px 0 20px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.tile b { display: block; font-size: 22px; line-height: 1.25; font-weight: 600; }
.tile.bad b { color: var(--red); }
.sentences { padding: 0; margin: 0; list-style: none; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
.sentence { padding: 11px 16px 11px 14px; border-top: 1px solid var(--line); border-left: 4px solid transparent; }
.sentences { overflow: hidden; }
.sentence:first-child { border-top: 0; }
.sentence.bad { border-left-color: var(--red); }
figure { margin: 0 0 18px; }
figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 16px; margin-bottom: 6px; }
.key { display: inline-flex; align-items: center; gap: 6px; margin-left: 14px; font-size: 12.5px; color: var(--soft); }
.key:first-child { margin-left: 0; }
.key svg { width: 26px; height: 10px; }
.plot { position: relative; padding-left: 48px; }
.plot > svg { display: block; width: 100%; height: 170px; }
.plot > .y { position: absolute; left: 0; width: 42px; text-align: right; font-size: 11.5px; color: var(--soft); transform: translateY(-50%); line-height: 1; }
.x { display: flex; justify-content: space-between; font-size: 11.5px; color: var(--soft); padding: 4px 0 0 48px; }
.lane { display: grid; grid-template-columns: minmax(84px, 160px) 1fr; gap: 12px; align-items: center; border-top: 1px solid var(--line); }
.lane > span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 13px; }
.lane > svg { display: block; width: 100%; height: 26px; }
.lanes .x { padding-left: 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0 0 12px; }
.card > summary { cursor: pointer; list-style: none; display: grid; grid-template-columns: minmax(110px, 1.1fr) minmax(90px, 220px) minmax(0, 2.2fr); gap: 14px; align-items: center; padding: 12px 16px; }
.card > summary::-webkit-details-marker { display: none; }
.card > summary > svg { width: 100%; height: 28px; display: block; }
.card > summary::after { content: ""; position: absolute; }
.card[open] > summary { border-bottom: 1px solid var(--line); }
.card > div { padding: 14px 16px 12px; }
.card .plot > svg { height: 110px; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 99px; padding: 0 8px; font-size: 11.5px; line-height: 18px; color: var(--red); white-space: nowrap; }
.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 14px; margin-bottom: 14px; }
.multiples svg { display: block; width: 100%; height: 72px; border-bottom: 1px solid var(--ghost); }
.multiples .ends { display: flex; justify-content: space-between; font-size: 11px; color: var(--soft); }
.multiples .name { font-size: 12px; color: var(--soft); }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 13px; color: var(--soft); margin: 10px 0 0; }
.facts b { color: var(--ink); font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
td, th { text-align: left; padding: 5px 12px 5px 0; border-top: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; border-top: 0; }
.scroll { overflow-x: auto; }
details.more > summary { cursor: pointer; color: var(--blue); margin: 8px 0; }
svg { overflow: visible; }
svg * { vector-effect: non-scaling-stroke; }
.axis { stroke: var(--line); stroke-width: 1; fill: none; }
.limit { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 3; fill: none; }
.estimated { stroke: var(--blue); stroke-width: 2; fill: none; stroke-linejoin: round; }
.realised { stroke: var(--green); stroke-width: 2; fill: none; stroke-dasharray: 6 3; stroke-linejoin: round; }
.estimated-band { fill: var(--blue-band); }
.realised-band { fill: var(--green-band); }
.normal-band { fill: var(--line); opacity: .45; }
.reference { fill: var(--ghost); opacity: .6; }
.window { stroke: var(--blue); stroke-width: 1.6; fill: none; }
.distance { stroke: var(--blue); stroke-width: 1.8; fill: none; stroke-linejoin: round; }
.dot { stroke-width: 6; stroke-linecap: round; fill: none; }
.dot.estimated, .dot.realised { stroke-dasharray: none; stroke-width: 4.5; }
.alarm { stroke: var(--red); stroke-width: 8; stroke-linecap: round; fill: none; }
.tick { stroke: var(--red); stroke-width: 1.4; fill: none; }
.span { fill: var(--red-band); }
.hover { fill: transparent; }
.hover:hover { fill: var(--ink); opacity: .06; }
@media (max-width: 640px) {
  main { padding: 24px 14px 60px; }
  .card > summary { grid-template-columns: 1fr 90px; }
  .card > summary > .said { grid-column: 1 / -1; }
  .plot { padding-left: 40px; } .plot > .y { width: 36px; } .x { padding-left: 40px; }
  .lane { grid-template-columns: 84px 1fr; }
}
`;
