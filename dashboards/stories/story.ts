/**
 * What a story for promtool is: series as a scrape would show them, one in which an alert must fire and at least one in which
 * it nearly does and must not. Stories are told in plain names and numbers, which know nothing of the rules: a rule that
 * reads a wrong series, or whose threshold has moved, does not agree with its story any more.
 */

/** Name and labels, to values in promtool's notation, one a minute: `0+60x30` counts up by 60 for 30 minutes. Job and instance are added where they are missing. */
export type Series = Readonly<Record<string, string>>;

export interface Firing {
  readonly series: Series;
  /** When it must be firing. */
  readonly at: string;
  /** When it must not be yet: the condition holds, but not for long enough. */
  readonly quietAt?: string;
  /** The alert's labels beside job and instance. */
  readonly labels?: Readonly<Record<string, string>>;
  /** It is about a service and not about one instance of it. */
  readonly ofService?: boolean;
  /** `$value` as the description shows it. */
  readonly value?: string;
}

export interface NearMiss {
  /** Why it is no alarm. */
  readonly since: string;
  readonly series: Series;
  readonly at: string;
}

export interface Story {
  readonly fires: readonly [Firing, ...Firing[]];
  readonly nearMisses: readonly [NearMiss, ...NearMiss[]];
}

export type Stories = Readonly<Record<string, Story>>;
