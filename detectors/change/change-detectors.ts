/**
 * The classic change detectors by the names that people know them by: what the command line offers and what the
 * conformance suite holds to its rules.
 */
import type { Detector } from "../detector.ts";
import { adwin, type AdwinOptions, adwinParameters } from "./adwin.ts";
import { bayesianOnlineChangePoint, type BayesianOnlineChangePointOptions, bayesianOnlineChangePointParameters } from "./bayesian-online-change-point.ts";
import { cusum, type CusumOptions, cusumParameters } from "./cusum.ts";
import { ddm, type DdmOptions, ddmParameters } from "./ddm.ts";
import type { Domain } from "./domain.ts";
import { ecdd, type EcddOptions, ecddParameters } from "./ecdd.ts";
import { eddm, type EddmOptions, eddmParameters } from "./eddm.ts";
import { ewma, type EwmaOptions, ewmaParameters } from "./ewma.ts";
import { fhddm, type FhddmOptions, fhddmParameters } from "./fhddm.ts";
import { gma, type GmaOptions, gmaParameters } from "./gma.ts";
import { hddmA, type HddmAOptions, hddmAParameters } from "./hddm-a.ts";
import { hddmW, type HddmWOptions, hddmWParameters } from "./hddm-w.ts";
import { kswin, type KswinOptions, kswinParameters } from "./kswin.ts";
import { pageHinkley, type PageHinkleyOptions, pageHinkleyParameters } from "./page-hinkley.ts";
import type { Parameter } from "./parameter.ts";
import { rddm, type RddmOptions, rddmParameters } from "./rddm.ts";
import { shewhart, type ShewhartOptions, shewhartParameters } from "./shewhart.ts";
import { stepd, type StepdOptions, stepdParameters } from "./stepd.ts";

export type { Parameter };

export interface ChangeDetector {
  readonly domain: Domain;
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly source: string;
  /** What is left out has its default. @throws RangeError that names the parameter and what it got. */
  readonly make: (parameters: Readonly<Record<string, number | boolean | string>>) => Detector<unknown>;
}

export const changeDetectors = {
  adwin: {
    domain: "number",
    parameters: adwinParameters,
    source: "Bifet and Gavalda, SDM 2007",
    make: (given) => adwin(given as AdwinOptions),
  },
  "page-hinkley": {
    domain: "number",
    parameters: pageHinkleyParameters,
    source: "Page, Biometrika 1954; Hinkley, Biometrika 1971",
    make: (given) => pageHinkley(given as PageHinkleyOptions),
  },
  cusum: {
    domain: "number",
    parameters: cusumParameters,
    source: "Page, Biometrika 1954",
    make: (given) => cusum(given as CusumOptions),
  },
  ewma: {
    domain: "number",
    parameters: ewmaParameters,
    source: "Roberts, Technometrics 1959",
    make: (given) => ewma(given as EwmaOptions),
  },
  gma: {
    domain: "number",
    parameters: gmaParameters,
    source: "Roberts, Technometrics 1959",
    make: (given) => gma(given as GmaOptions),
  },
  shewhart: {
    domain: "number",
    parameters: shewhartParameters,
    source: "Shewhart 1931",
    make: (given) => shewhart(given as ShewhartOptions),
  },
  ddm: {
    domain: "bit",
    parameters: ddmParameters,
    source: "Gama and others, SBIA 2004",
    make: (given) => ddm(given as DdmOptions),
  },
  eddm: {
    domain: "bit",
    parameters: eddmParameters,
    source: "Baena-Garcia and others 2006",
    make: (given) => eddm(given as EddmOptions),
  },
  rddm: {
    domain: "bit",
    parameters: rddmParameters,
    source: "Barros and others, Expert Systems with Applications 2017",
    make: (given) => rddm(given as RddmOptions),
  },
  "hddm-a": {
    domain: "ratio",
    parameters: hddmAParameters,
    source: "Frias-Blanco and others, TKDE 2015",
    make: (given) => hddmA(given as HddmAOptions),
  },
  "hddm-w": {
    domain: "ratio",
    parameters: hddmWParameters,
    source: "Frias-Blanco and others, TKDE 2015",
    make: (given) => hddmW(given as HddmWOptions),
  },
  fhddm: {
    domain: "bit",
    parameters: fhddmParameters,
    source: "Pesaranghader and Viktor, ECML-PKDD 2016",
    make: (given) => fhddm(given as FhddmOptions),
  },
  stepd: {
    domain: "bit",
    parameters: stepdParameters,
    source: "Nishida and Yamauchi, Discovery Science 2007",
    make: (given) => stepd(given as StepdOptions),
  },
  kswin: {
    domain: "number",
    parameters: kswinParameters,
    source: "Raab, Heusinger and Schleif, Neurocomputing 2020",
    make: (given) => kswin(given as KswinOptions),
  },
  ecdd: {
    domain: "bit",
    parameters: ecddParameters,
    source: "Ross and others, Pattern Recognition Letters 2012",
    make: (given) => ecdd(given as EcddOptions),
  },
  bocpd: {
    domain: "number",
    parameters: bayesianOnlineChangePointParameters,
    source: "Adams and MacKay, arXiv:0710.3742",
    make: (given) => bayesianOnlineChangePoint(given as BayesianOnlineChangePointOptions),
  },
} as const satisfies Record<string, ChangeDetector>;
