import { parseArgs } from 'node:util'

export interface Options {
  /** Milliseconds every request waits before it is served. */
  latencyMs: number
  /** Upload bandwidth of each connection; unlimited when undefined. */
  uploadBytesPerSecond: number | undefined
  /** Runs of each measurement; medians are taken over them. */
  runs: number
  /** Names of cases; all when empty. */
  only: readonly string[]
  /** Small sizes, for work on the benchmark itself. */
  quick: boolean
  /** Whether RESULTS.md and the plots are written. */
  write: boolean
}

export const USAGE = `Usage: script/bench [--latency MS] [--upload MBIT] [--runs N] [--only CASES] [--quick] [--no-write]

Releases gems to servers on this machine, with the shipped bundle and with what
people use today, side by side, and prints medians and ratios.

  --latency MS   milliseconds that every request waits before it is served (80)
  --upload MBIT  upload bandwidth of each connection in Mbit/s, 0 for no limit (20)
  --runs N       runs of each measurement (5)
  --only CASES   names of cases, separated by commas: start, one-gem, many-gems,
                 platforms, large-gem, await, survey, growth
  --quick        small sizes and three runs, for work on the benchmark itself
  --no-write     leave bench/RESULTS.md and the plots as they are
  --help         this text

With --only or --quick nothing is written either.
`

/** Throws Error with a sentence for the user on a wrong call. */
export function readOptions(args: string[]): Options | 'help' {
  const { values } = parseArgs({
    args,
    options: {
      latency: { type: 'string', default: '80' },
      upload: { type: 'string', default: '20' },
      runs: { type: 'string' },
      only: { type: 'string', default: '' },
      quick: { type: 'boolean', default: false },
      'no-write': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const megabits = number('--upload', values.upload)
  const only = values.only.split(',').filter((name) => name !== '')
  return {
    latencyMs: number('--latency', values.latency),
    uploadBytesPerSecond: megabits === 0 ? undefined : (megabits * 1_000_000) / 8,
    runs: Math.max(1, Math.round(number('--runs', values.runs ?? (values.quick ? '3' : '5')))),
    only,
    quick: values.quick,
    write: !values['no-write'] && !values.quick && only.length === 0,
  }
}

function number(option: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value < 0) throw new Error(`${option} ${text}: not a number`)
  return value
}
