import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { isObject } from '../../src/json.ts'

export const ROOT = path.resolve(import.meta.dirname, '../..')

/** A workflow, as a file of its own or inside a document. */
export interface WorkflowText {
  /** File and line it begins on: `README.md:8`. */
  name: string
  text: string
  /** `own`: runs in this repository; `example`: complete, for users; `fragment`: was completed to a workflow. */
  kind: 'own' | 'example' | 'fragment'
}

/** Files of the working tree, also those that are about to be committed. */
export function trackedFiles(...patterns: string[]): string[] {
  const options = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns]
  const listed = execFileSync('git', ['-c', 'safe.directory=*', ...options], { cwd: ROOT, encoding: 'utf8' }).split(
    '\0',
  )
  return [...new Set(listed)].filter((name) => name !== '' && existsSync(path.join(ROOT, name))).toSorted()
}

export function read(name: string): string {
  return readFileSync(path.join(ROOT, name), 'utf8')
}

/** Every workflow this repository runs or shows. */
export function workflowTexts(): WorkflowText[] {
  const own = trackedFiles('.github/workflows/*.yml', '.github/workflows/*.yaml')
  const examples = trackedFiles('examples/**/*.yml', 'examples/**/*.yaml', 'examples/*.yml')
  return [
    ...own.map((name): WorkflowText => ({ name, text: read(name), kind: 'own' })),
    ...examples.map((name): WorkflowText => ({ name, text: read(name), kind: 'example' })),
    ...trackedFiles('*.md', 'docs/**/*.md', 'examples/**/*.md').flatMap((name) => blocksOf(name, read(name))),
  ]
}

/** The YAML blocks of a document, and what diffs of YAML lead to. */
export function blocksOf(name: string, document: string): WorkflowText[] {
  const blocks: WorkflowText[] = []
  let open: { language: string; fence: string; line: number; lines: string[] } | undefined
  for (const [index, line] of document.split('\n').entries()) {
    const [, fence, language = ''] = /^\s*(`{3,}|~{3,})(\w*)\s*$/.exec(line) ?? []
    if (open === undefined && fence !== undefined) open = { language, fence, line: index + 2, lines: [] }
    else if (open !== undefined && fence?.startsWith(open.fence) && language === '') {
      const text = yamlOf(open.language, open.lines)
      if (text !== undefined) blocks.push(completed(`${name}:${String(open.line)}`, text))
      open = undefined
    } else open?.lines.push(line)
  }
  return blocks
}

function yamlOf(language: string, lines: readonly string[]): string | undefined {
  if (language === 'yaml' || language === 'yml') return dedented(lines)
  const after = lines.filter((line) => !line.startsWith('-')).map((line) => line.slice(1))
  return language === 'diff' && after.some((line) => /^\s*- (uses|run|name):/.test(line)) ? dedented(after) : undefined
}

function dedented(lines: readonly string[]): string {
  const margins = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  return `${lines.map((line) => line.slice(Math.min(...margins))).join('\n')}\n`
}

const EVENT = ['on: workflow_dispatch', 'permissions: {}']

/**
 * What is shown in part, as a whole: steps get a job around them, a job gets `jobs:`, and jobs an event and no
 * permissions. A block of another shape is an error, so that none goes unread.
 */
function completed(name: string, text: string): WorkflowText {
  const value: unknown = parse(text)
  if (isObject(value) && 'on' in value && 'jobs' in value) return { name, text, kind: 'example' }
  const fragment = (before: readonly string[], depth: number): WorkflowText => ({
    name,
    text: [...before, ...text.split('\n').map((line) => (line === '' ? line : ' '.repeat(depth) + line))].join('\n'),
    kind: 'fragment',
  })
  if (Array.isArray(value)) {
    return fragment([...EVENT, 'jobs:', '  job:', '    runs-on: ubuntu-latest', '    steps:'], 6)
  }
  if (isObject(value) && 'jobs' in value) return fragment(EVENT, 0)
  if (isObject(value) && ('steps' in value || 'uses' in value)) return fragment([...EVENT, 'jobs:', '  job:'], 4)
  throw new Error(`${name}: a block of YAML that is no workflow, no job and no steps; say how it is to be checked.`)
}
