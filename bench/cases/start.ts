import { readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { names, writeGem } from '../material.ts'
import type { Options } from '../options.ts'
import { type Ran, run } from '../program.ts'
import type { Section, Table } from '../report.ts'
import { BUNDLE, Scene } from '../scene.ts'
import { median, repeat, seconds } from '../statistics.ts'

const LINE_LIMIT = 150
const REQUEST_LIMIT = 250

/** How long it takes until the bundle says something and asks somebody something. */
export async function start(options: Options): Promise<Section> {
  const runs = await repeat(options.runs * 2, () => oneStart(options))
  const empty = median(runs.map((one) => one.empty))
  const line = median(runs.map((one) => one.line))
  const request = median(runs.map((one) => one.request))
  const { chunks } = await loaded(options)
  const row = (what: string, ms: number): string[] => [what, seconds(ms), seconds(Math.max(0, ms - empty))]
  return {
    title: '1. Cold start',
    about: 'One small prebuilt gem; from the start of the process. The empty process is Node.js printing one line.',
    tables: [
      {
        head: ['until', 'after', 'above an empty process'],
        rows: [
          row('first line of an empty process', empty),
          row('first line of the action', line),
          row('first request of the action', request),
        ],
      },
      sizes(chunks),
    ],
    targets: [
      {
        aim: 'first line at most 0.15 s above an empty process',
        measured: seconds(line - empty),
        met: line - empty <= LINE_LIMIT,
      },
      {
        aim: 'first request at most 0.25 s above an empty process',
        measured: seconds(request - empty),
        met: request - empty <= REQUEST_LIMIT,
      },
      {
        aim: 'nothing loaded that a release without a token of GitHub does not need',
        measured: chunks.length === 1 ? 'one file loaded' : `${String(chunks.length)} files loaded`,
        met: chunks.length === 1,
      },
    ],
  }
}

async function oneStart(options: Options): Promise<{ empty: number; line: number; request: number }> {
  const [name = ''] = names(1)
  await using scene = await Scene.open({ ...options, gems: [name] })
  const program = path.join(scene.workspace, 'empty.mjs')
  writeFileSync(program, 'console.log("ready")\n')
  const { file, cwd, env } = await scene.action()
  const empty = await run({ file, args: [program], cwd, env })
  const gem = writeGem(scene.workspace, { name, bytes: 30_000 })
  const ran = await scene.release({ gems: gem, tag: 'false', token: '' })
  const first = scene.requestsSince(ran.from)[0]
  return { empty: untilLine(empty), line: untilLine(ran), request: (first?.startedAt ?? 0) - ran.from }
}

function untilLine({ lines, from }: Ran): number {
  return (lines[0]?.at ?? 0) - from
}

/** Files of `dist/main` that a release of a prebuilt gem without a tag loads. */
async function loaded(options: Options): Promise<{ chunks: string[] }> {
  const [name = ''] = names(1)
  await using scene = await Scene.open({ ...options, latencyMs: 0, gems: [name] })
  const gem = writeGem(scene.workspace, { name, bytes: 30_000 })
  const { trace } = await scene.trace({ gems: gem, tag: 'false', token: '' })
  const urls = trace.modules.map(({ url }) => url).filter((url) => url.startsWith('file:') && !url.endsWith('.json'))
  return { chunks: [...new Set(urls.map((url) => path.basename(url)))].filter((file) => file !== 'trace.mjs') }
}

function sizes(always: readonly string[]): Table {
  const directory = path.dirname(BUNDLE)
  const files = readdirSync(directory).filter((file) => file.endsWith('.js'))
  const kilobytes = (file: string): string => `${(statSync(path.join(directory, file)).size / 1024).toFixed(0)} KiB`
  return {
    caption: 'Size of the bundle’s files:',
    head: ['file', 'size', 'loaded'],
    rows: files
      .toSorted((one, other) => (one === 'index.js' ? -1 : other === 'index.js' ? 1 : one.localeCompare(other)))
      .map((file) => [file, kilobytes(file), always.includes(file) ? 'always' : 'when needed']),
  }
}
