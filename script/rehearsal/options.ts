import { parseArgs } from 'node:util'

export interface Options {
  /** Directory of the project; the sample gem where there is none. */
  project: string | undefined
  keep: boolean
  json: boolean
  /** What starts the run: a pushed tag, or a person in the Actions tab. */
  start: 'tag' | 'dispatch'
}

/** Ends the rehearsal with one sentence for the user; 2 for a wrong call, 1 for everything else. */
export class Stop extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export const USAGE = `Usage: script/rehearse [PROJECT] [--dispatch | --tag] [--keep] [--json]

Releases the gems of PROJECT (a git repository, or a directory inside one) to a
sandbox on this machine, with the bundle that GitHub would run, and installs them
from there. Without PROJECT, the sample gem in sandbox/sample-gem is released.
What is committed is released: the project itself is only read.

  --dispatch  as started by hand in the Actions tab (the default)
  --tag       as started by pushing the version's tag
  --keep      leave everything where it is afterwards, and say where
  --json      one JSON object on standard output; the log goes to standard error
  --help      this text
`

/** `help` where only the usage was asked for. Throws Stop on a wrong call. */
export function readOptions(args: string[]): Options | 'help' {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  if (positionals.length > 1) throw wrongCall(`one project at a time, but there are ${String(positionals.length)}`)
  if (values.tag && values.dispatch) throw wrongCall('--tag and --dispatch exclude each other')
  return {
    project: positionals[0],
    keep: values.keep,
    json: values.json,
    start: values.tag ? 'tag' : 'dispatch',
  }
}

function parse(args: string[]) {
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: { tag: flag, dispatch: flag, keep: flag, json: flag, help: { ...flag, short: 'h' } },
    })
  } catch (error) {
    throw wrongCall(error instanceof Error ? error.message : String(error))
  }
}

function wrongCall(reason: string): Stop {
  return new Stop(`${reason}\n\n${USAGE}`, 2)
}
