/**
 * Every alert, in the order in which a person on call asks: do clients get answers, what is wrong with the server, does the
 * ladder hold, are the answers still good, is the machine to blame, does Pilotfish itself still see. A file each in alerts/.
 *
 * What `pushedAlerts` names (alertmanager.ts) is pushed to Alertmanager by Pilotfish itself and must not be a rule as well.
 * Each alert has a page in docs/runbooks, and stories in stories/ of which it must fire in one and not in another.
 */
import type { Alert, Alerts } from "./alerts/alert.ts";
import { answers } from "./alerts/answers.ts";
import { canary } from "./alerts/canary.ts";
import { container } from "./alerts/container.ts";
import { failover } from "./alerts/failover.ts";
import { gpu } from "./alerts/gpu.ts";
import { quality } from "./alerts/quality.ts";
import { self } from "./alerts/self.ts";
import { server } from "./alerts/server.ts";
import type { DashboardsOptions } from "./options.ts";

export type { Alert } from "./alerts/alert.ts";

/** Each makes the alerts of one group. */
const subjects = { answers, server, failover, quality, canary, gpu, container, self } as const;

type Subjects = typeof subjects;
type Names<Made> = Made extends unknown ? keyof Made & string : never;
export type AlertName = { [Subject in keyof Subjects]: Names<ReturnType<Subjects[Subject]>> }[keyof Subjects];

/** All alerts by group, as the options want them; what they switch off is left out, and so is a group without any. */
export function alertGroups(options: DashboardsOptions): Readonly<Record<string, Alerts>> {
  const groups = Object.entries(subjects).map(([subject, make]) => {
    const alerts = Object.entries<Alert>(make(options)).filter(([name]) => options.alerts[name]?.enabled !== false);
    return [`pilotfish.${subject}`, Object.fromEntries(alerts.map(([name, alert]) => [name, overridden(alert, options.alerts[name])]))] as const;
  });
  return Object.fromEntries(groups.filter(([, alerts]) => Object.keys(alerts).length > 0));
}

function overridden(alert: Alert, own: DashboardsOptions["alerts"][string] = { enabled: true }): Alert {
  return {
    ...alert,
    ...(own.for !== undefined && { for: own.for }),
    ...(own.keepFiringFor !== undefined && { keepFiringFor: own.keepFiringFor }),
    ...(own.urgency !== undefined && { urgency: own.urgency }),
  };
}

/** Every alert that is switched on, under its name. */
export function alertsByName(options: DashboardsOptions): Readonly<Partial<Record<AlertName, Alert>>> {
  return Object.assign({}, ...Object.values(alertGroups(options))) as Partial<Record<AlertName, Alert>>;
}

/** Whatever is switched on or off. */
export function everyAlert(options: DashboardsOptions): Readonly<Record<AlertName, Alert>> {
  return Object.assign({}, ...Object.values(subjects).map((make) => make(options))) as Record<AlertName, Alert>;
}

export function alertNames(options: DashboardsOptions): readonly AlertName[] {
  return Object.keys(everyAlert(options)) as AlertName[];
}

/** The address of an alert's page. */
export const runbook = ({ runbooks }: Pick<DashboardsOptions, "runbooks">, alert: AlertName): string => `${runbooks}/${alert}.md`;
