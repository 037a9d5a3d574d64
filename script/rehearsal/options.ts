import { parseArgs } from 'node:util'

export interface Options {
  /** Directory of the project; the sample gem where there is none. */
  project: string | undefined
  keep: boolean
  json: boolean
  /** What starts the run: a pushed tag, or a person in the Actions tab. */
  start: 'tag' | 'dispatch'
  /** Origin of the gem server of the real release; what the workflow says when absent. */
  server: string | undefined
  /** The real gem server is not asked which versions it has. */
  offline: boolean
  /** Name of what is to go wrong. */
  fault: string | undefined
}

/** Ends the rehearsal with one sentence for the user; 2 for a wrong call, 1 for everything else. */
export class Stop extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export const USAGE = `Usage: script/rehearse [PROJECT] [--dispatch | --tag] [--fault NAME] [--keep] [--json]

Releases the gems of PROJECT (a git repository, or a directory inside one) to a
sandbox on this machine, with the bundle that GitHub would run, and installs them
from there. Then says what would stop the real release, or surprise you, and what
to fill in where. Without PROJECT, the sample gem in sandbox/sample-gem is released.
What is committed is released: the project itself is only read.

  --dispatch         as started by hand in the Actions tab (the default)
  --tag              as started by pushing the version's tag
  --fault NAME       see what the action does when this goes wrong; --fault list
  --gem-server URL   where the real release goes (else as the workflow says, or
                     https://rubygems.org); asked which versions are there
  --offline          ask nobody which versions are there
  --keep             leave everything where it is afterwards, and say where
  --json             one JSON object on standard output; the log goes to standard error
  --help             this text

Exit code: 0 when nothing stops the release, 1 when something does, 2 for a wrong call.
`

/** `help` or `faults` where only the usage or the list of faults was asked for. Throws Stop on a wrong call. */
export function readOptions(args: string[]): Options | 'help' | 'faults' {
  const { values, positionals } = parse(args)
  if (values.help) return 'help'
  if (values.fault === 'list') return 'faults'
  if (positionals.length > 1) throw wrongCall(`one project at a time, but there are ${String(positionals.length)}`)
  if (values.tag && values.dispatch) throw wrongCall('--tag and --dispatch exclude each other')
  return {
    project: positionals[0],
    keep: values.keep,
    json: values.json,
    start: values.tag ? 'tag' : 'dispatch',
    server: originOf(values['gem-server']),
    offline: values.offline,
    fault: values.fault,
  }
}

function originOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined
  const url = URL.parse(address)
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') {
    throw wrongCall(`--gem-server needs the address of a gem server, not ${JSON.stringify(address)}`)
  }
  return url.origin
}

function parse(args: string[]) {
  const flag = { type: 'boolean', default: false } as const
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        tag: flag,
        dispatch: flag,
        keep: flag,
        json: flag,
        offline: flag,
        fault: { type: 'string' },
        'gem-server': { type: 'string' },
        help: { ...flag, short: 'h' },
      },
    })
  } catch (error) {
    throw wrongCall(error instanceof Error ? error.message : String(error))
  }
}

function wrongCall(reason: string): Stop {
  return new Stop(`${reason}\n\n${USAGE}`, 2)
}
