/**
 * GPU figures from one `nvidia-smi` that prints a line a GPU again and again. Before each start the driver's help is asked
 * which fields it knows. A card that is divided by MIG tells nothing of its instances in that form: then the same program is
 * started again for its long form, XML, which takes it seconds where there are many cards, so it comes less often.
 */
import type { Collector } from "../collector.ts";
import type { XidLog } from "./kernel-log.ts";
import { linesOf, looping, type Life, type Lived, type LoopingDeps, type LoopingOptions } from "./looping.ts";
import { chooseFields, figuresOfLine, parseLine, type Field } from "./smi-csv.ts";
import { documentsOf, figuresOfXml } from "./smi-xml.ts";

export type NvidiaSmiOptions = Pick<LoopingOptions, "command" | "intervalMs" | "expected" | "onMissing">;

export interface NvidiaSmiDeps extends LoopingDeps {
  /** What the kernel's log says of faults; nvidia-smi does not tell them. */
  readonly xids?: XidLog | undefined;
}

const helpMax = 262_144;
const documentIntervalMs = 5_000;

export function nvidiaSmi(options: NvidiaSmiOptions, { xids, ...deps }: NvidiaSmiDeps): Collector {
  const every = (intervalMs: number) => ["-lms", String(intervalMs)];

  /** Ended as soon as a card turns out to be divided. */
  const followLines = async ({ start, stop, tell }: Life, fields: readonly Field[]): Promise<Lived & { readonly divided: boolean }> => {
    let said = "";
    let divided = false;
    const query = fields.map(({ name }) => name).join(",");
    const onLine = (printed: string) => {
      const line = parseLine(printed, fields);
      if (line === undefined) {
        said = printed;
        return;
      }
      tell({ ...figuresOfLine(line), ...xids?.of(line.get("bus") ?? "") });
      if (line.get("mig") === "Enabled") {
        divided = true;
        stop();
      }
    };
    const ended = await start([`--query-gpu=${query}`, "--format=csv,noheader,nounits", ...every(options.intervalMs)], linesOf(onLine));
    return { ended, said, divided };
  };

  const followDocuments = async ({ start, pace, tell }: Life): Promise<Lived> => {
    const intervalMs = Math.max(documentIntervalMs, options.intervalMs);
    pace(intervalMs);
    const onDocument = (text: string) => {
      for (const { figures, bus } of figuresOfXml(text)) tell({ ...figures, ...(figures.id.includes("/") ? {} : xids?.of(bus)) });
    };
    return { ended: await start(["-q", "-x", ...every(intervalMs)], documentsOf(onDocument)), said: "" };
  };

  return looping(
    {
      ...options,
      name: "nvidia-smi",
      live: async (life) => {
        let help = "";
        const asked = await life.start(["--help-query-gpu"], (text) => {
          help += text.slice(0, helpMax - help.length);
        });
        const fields = chooseFields(help);
        if (fields.length === 0 || asked.kind !== "exited" || life.closing()) return { ended: asked, said: help };
        const { divided, ...lived } = await followLines(life, fields);
        return divided && !life.closing() ? followDocuments(life) : lived;
      },
    },
    deps,
  );
}
