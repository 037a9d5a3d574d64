/** The middle value; of an even number of values, the mean of the two in the middle. 0 where there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] ?? 0
  return sorted.length % 2 === 0 ? ((sorted[half - 1] ?? 0) + upper) / 2 : upper
}

/** How much of the time between two moments is covered by at least one of the spans. */
export function covered(spans: readonly Span[], from: number, to: number): number {
  let total = 0
  let reached = from
  for (const span of spans.toSorted((one, other) => one.from - other.from)) {
    const start = Math.max(reached, span.from)
    const end = Math.min(to, span.to)
    if (end > start) total += end - start
    reached = Math.max(reached, end)
  }
  return total
}

export interface Span {
  /** Milliseconds since the epoch. */
  from: number
  to: number
}

/** Runs two things in turn, in changing order, so that whatever else the machine does hits both alike. */
export async function inTurn<A, B>(
  runs: number,
  one: () => Promise<A>,
  other: () => Promise<B>,
): Promise<{ one: A[]; other: B[] }> {
  const result: { one: A[]; other: B[] } = { one: [], other: [] }
  for (let run = 0; run < runs; run++) {
    if (run % 2 === 0) result.one.push(await one())
    result.other.push(await other())
    if (run % 2 === 1) result.one.push(await one())
  }
  return result
}

export async function repeat<T>(runs: number, measure: () => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (let run = 0; run < runs; run++) results.push(await measure())
  return results
}

/** `0.85 s`, `12.3 s`, or milliseconds below 100. */
export function seconds(ms: number): string {
  if (ms < 100) return `${ms.toFixed(0)} ms`
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

export function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 10 ? 2 : 0)}×`
}
