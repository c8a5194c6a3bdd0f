/**
 * Which rungs are eligible, as the monitors found, and what is said of it.
 *
 * A rung that would answer badly is passed over even where no other is left: an answer with the status 200 is taken for the
 * model's by whoever reads no headers, while a 503 is seen. Not so `default` and `last-good`, unless the config names them:
 * whoever puts a constant at a ladder's end has decided that some answer is better than none, and knows that it is a constant.
 */
import type { RungPrice } from "../judgement.ts";
import type { Log } from "../log.ts";

export interface QualifiedOptions {
  readonly enforce: boolean;
  /** By a rung's name. */
  readonly rungs: Readonly<Record<string, { readonly enforce?: boolean | undefined }>>;
}

interface Named {
  readonly name: string;
  readonly kind: string;
  readonly key: string;
}

/** Chosen by a person for want of anything better. */
const lastResorts = new Set(["default", "last-good"]);

export class Qualified {
  readonly #options: QualifiedOptions;
  readonly #rungs: ReadonlyMap<string, Named>;
  readonly #log: Log;
  readonly #standings = new Map<string, RungPrice["standing"]>();
  readonly #prices = new Map<string, RungPrice>();
  readonly #barred = new Map<string, string>();

  constructor(options: QualifiedOptions = { enforce: false, rungs: {} }, rungs: readonly Named[], log: Log) {
    this.#options = options;
    this.#rungs = new Map(rungs.map((rung) => [rung.name, rung]));
    this.#log = log;
  }

  /** Why the rung is not to be asked; undefined where it may be. */
  barred(name: string): string | undefined {
    return this.#barred.get(name);
  }

  /** Of a rung of this ladder; undefined where nothing is known of it. */
  price(name: string): RungPrice | undefined {
    return this.#prices.get(name);
  }

  /** What all rungs are worth now. Those that nothing is known of are eligible. */
  take(prices: readonly RungPrice[]): void {
    this.#barred.clear();
    this.#prices.clear();
    for (const price of prices) {
      const rung = this.#rungs.get(price.rung);
      if (rung === undefined || rung.key !== price.key) continue;
      this.#prices.set(rung.name, price);
      const isBad = price.standing === "ineligible";
      if (isBad && this.#isEnforced(rung)) this.#barred.set(rung.name, `it is not eligible: it ${price.message}`);
      this.#tell(rung, price);
    }
  }

  #isEnforced({ name, kind }: Named): boolean {
    const own = Object.hasOwn(this.#options.rungs, name) ? this.#options.rungs[name] : undefined;
    return own?.enforce ?? (this.#options.enforce && !lastResorts.has(kind));
  }

  /** Each change once. */
  #tell(rung: Named, { standing, message, compared, agreement, accuracy, primaryAccuracy }: RungPrice): void {
    const before = this.#standings.get(rung.name) ?? "unproven";
    this.#standings.set(rung.name, standing);
    if (standing === before) return;
    const fields = { rung: rung.name, standing, compared, agreement, accuracy, primaryAccuracy };
    if (standing === "ineligible") {
      if (this.#isEnforced(rung)) this.#log.warn(fields, `the rung ${rung.name} ${message}: it is not asked until its answers to copies are good again`);
      else this.#log.info(fields, `the rung ${rung.name} ${message}: it is asked all the same, as configured`);
    } else if (before === "ineligible") this.#log.info(fields, `the rung ${rung.name} ${message}: it may be asked again`);
    else if (standing === "qualified") this.#log.info(fields, `the rung ${rung.name} ${message}: it is qualified`);
  }
}
