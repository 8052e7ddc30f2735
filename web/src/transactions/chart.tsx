/** The balance over time, as a line; the table below has the same in numbers. */
import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { counted } from "~/credits/words.ts";
import { useDark } from "~/theme/appearance.ts";
import { Card } from "~/ui/card.tsx";
import { date, day, time } from "~/ui/moment.tsx";
import type { Line } from "./queries.ts";

const HEIGHT_PX = 168;
const DAY_S = 86_400;

interface ChartProps {
  lines: readonly Line[];
  /** Whether older ones are not loaded yet. */
  isCut: boolean;
}

export function Chart({ lines, isCut }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const isDark = useDark();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read anew when the appearance changes
  useEffect(() => {
    const box = place.current;
    if (box === null) return;
    const plot = new uPlot(options(box), balancesOf(lines), box);
    const watching = new ResizeObserver(() =>
      plot.setSize({ width: box.clientWidth, height: HEIGHT_PX }),
    );
    watching.observe(box);
    return () => {
      watching.disconnect();
      plot.destroy();
    };
  }, [lines, isDark]);
  return (
    <Card>
      <div className="mb-3 flex flex-wrap items-baseline gap-x-3">
        <h2 className="font-semibold">Balance</h2>
        <p className="text-caption text-soft">{reachSaid(lines, isCut)}</p>
      </div>
      <div
        ref={place}
        role="img"
        aria-label={said(lines)}
        className="contain-inline-size -mx-2 -mb-2"
      />
    </Card>
  );
}

/** Times in seconds and balances, oldest first, up to now. */
export function balancesOf(lines: readonly Line[]): [number[], number[]] {
  const oldestFirst = lines.toReversed();
  const times = oldestFirst.map((line) => new Date(line.created_at).getTime() / 1000);
  const balances = oldestFirst.map((line) => line.balance_after);
  return [
    [...times, Date.now() / 1000],
    [...balances, balances.at(-1) ?? 0],
  ];
}

/** How far back the line goes. */
export function reachSaid(lines: readonly Line[], isCut: boolean): string {
  const first = lines.at(-1);
  if (first === undefined) return "";
  const since = `Since ${date(first.created_at)}`;
  return isCut
    ? `${since}: the ${counted(lines.length)} newest lines, as many as are loaded`
    : since;
}

function said(lines: readonly Line[]): string {
  const [last, first] = [lines[0], lines.at(-1)];
  if (last === undefined || first === undefined) return "Balance over time";
  return `Balance over time: from ${counted(first.balance_after)} on ${date(first.created_at)} to ${counted(last.balance_after)} on ${date(last.created_at)}`;
}

function options(box: HTMLElement): uPlot.Options {
  const line = computed(box, "--color-link");
  const axis = {
    stroke: computed(box, "--color-soft"),
    font: `12px ${getComputedStyle(box).fontFamily}`,
    ticks: { show: false },
    grid: { show: false },
  };
  return {
    width: box.clientWidth,
    height: HEIGHT_PX,
    cursor: { show: false },
    legend: { show: false },
    scales: { y: { range: (_, __, highest) => [0, Math.max(1, highest * 1.1)] } },
    axes: [
      { ...axis, size: 30, values: (_, moments) => timesSaid(moments) },
      { ...axis, size: 56, values: (_, values) => values.map(balanceSaid) },
    ],
    series: [
      {},
      {
        stroke: line,
        width: 2,
        fill: line.replace("rgb(", "rgba(").replace(")", ", 0.1)"),
        paths: uPlot.paths.stepped?.({ align: 1 }),
        points: { show: false },
      },
    ],
  };
}

const COMPACT = new Intl.NumberFormat("en", { notation: "compact" });

/** `500`, `12K`, `1.5M`: there is little room beside the line. */
export function balanceSaid(balance: number): string {
  return COMPACT.format(balance);
}

/** Days where they tell the moments apart, otherwise times; each once. */
export function timesSaid(moments: readonly number[]): string[] {
  const [first = 0, last = 0] = [moments[0], moments.at(-1)];
  const say = last - first > DAY_S ? day : time;
  const said = moments.map((moment) => say(moment * 1000));
  return said.map((word, place) => (word === said[place - 1] ? "" : word));
}

/** A colour as the canvas knows it: computed, by day or by night. */
function computed(box: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  box.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
