import { cpus } from 'node:os';

/** What at least has to be reached, or at most may be. */
export type Budget = { atLeast: number } | { atMost: number };

const LABEL_WIDTH = 58;
const FIGURE_WIDTH = 10;

export function printHeading(text: string): void {
  console.log(`\n${text}`);
}

/** One figure, aligned, with its budget and whether it is met. */
export function printFigure(label: string, figure: number, unit: string, budget?: Budget): void {
  const line = `  ${label.padEnd(LABEL_WIDTH)}${written(figure).padStart(FIGURE_WIDTH)} ${unit}`;
  console.log(budget ? `${line.padEnd(LABEL_WIDTH + FIGURE_WIDTH + 14)}${verdict(figure, budget)}` : line);
}

/** How one thing compares with another, of the same run. */
export function printRatio(label: string, ratio: number, budget?: Budget): void {
  printFigure(label, ratio, '×', budget);
}

function verdict(figure: number, budget: Budget): string {
  if ('atMost' in budget)
    return `budget at most ${written(budget.atMost)}: ${figure <= budget.atMost ? 'met' : 'NOT MET'}`;
  return `budget at least ${written(budget.atLeast)}: ${figure >= budget.atLeast ? 'met' : 'NOT MET'}`;
}

function written(figure: number): string {
  if (figure >= 1_000) return Math.round(figure).toLocaleString('en-US');
  return figure.toFixed(figure >= 10 ? 1 : 2);
}

/** The machine that the figures are of. */
export function machine(): string {
  const cores = cpus();
  return `${cores[0]?.model.trim() ?? 'unknown CPU'}, ${cores.length} cores, Node ${process.version}`;
}
