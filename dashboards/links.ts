/** Ways from one dashboard to another that keep the time range and the variables, for a click on a series or a tile. */

/** In the order in which a person on call asks. */
export const boardNames = ["overview", "inference", "failover", "drift", "performance", "rollout", "hardware", "fleet", "pilotfish"] as const;
export type BoardName = (typeof boardNames)[number];

export interface Link {
  readonly title: string;
  readonly url: string;
}

/** Stable: bookmarks and pages that people wrote name it. */
export const uidOf = (board: BoardName): string => `pilotfish-${board}`;

/** The variables that every dashboard has. */
const common = ["datasource", "job", "instance", "model"] as const;

/** Variables that one dashboard has beside them. */
export type Extra = "gpu" | "feature" | "metric" | "comparison";

/**
 * @param from which variables of the next dashboard take their value from a label of the series that was clicked; the others
 *   keep the value that they have here.
 */
export function to(board: BoardName, title: string, from: readonly ("instance" | "model" | "gpu" | "feature")[] = []): Link {
  const carried = common.filter((name) => !(from as readonly string[]).includes(name)).map((name) => `\${${name}:queryparam}`);
  const taken = from.map((name) => `var-${name}=\${__field.labels.${name}:percentencode}`);
  return { title, url: `/d/${uidOf(board)}?${["${__url_time_range}", ...carried, ...taken].join("&")}` };
}

/** The same from a row of a table, whose columns have other names than the labels that they come from. */
export function fromRow(board: BoardName, title: string, variable: "instance" | "model" | "gpu" | "feature", column: string): Link {
  return { title, url: to(board, title, [variable]).url.replace(`__field.labels.${variable}:`, `__data.fields["${column}"]:`) };
}
