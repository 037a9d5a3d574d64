import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'

/** Writes the tables of inputs and outputs in README.md from action.yml; `--check` only compares. */

const ROOT = path.resolve(import.meta.dirname, '..')

interface Parameter {
  description: string
  default?: string
}

interface Manifest {
  inputs: Record<string, Parameter>
  outputs: Record<string, Parameter>
}

function cell(text: string): string {
  return text
    .trim()
    .replace(/\s+/g, ' ')
    .replaceAll('|', String.raw`\|`)
}

function inputTable({ inputs }: Manifest): string {
  const rows = Object.entries(inputs).map(([name, { description, default: value }]) => {
    const shown = value === undefined || value === '' ? '' : `\`${value}\``
    return `| \`${name}\` | ${shown} | ${cell(description)} |`
  })
  return ['| input | default | meaning |', '|---|---|---|', ...rows].join('\n')
}

function outputTable({ outputs }: Manifest): string {
  const rows = Object.entries(outputs).map(([name, { description }]) => `| \`${name}\` | ${cell(description)} |`)
  return ['| output | meaning |', '|---|---|', ...rows].join('\n')
}

function between(text: string, name: string, content: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const start = text.indexOf(open)
  const end = text.indexOf(close)
  if (start < 0 || end < start) throw new Error(`README.md has no ${open} … ${close}`)
  return `${text.slice(0, start + open.length)}\n\n${content}\n\n${text.slice(end)}`
}

const manifest: Manifest = parse(readFileSync(path.join(ROOT, 'action.yml'), 'utf8'))
const file = path.join(ROOT, 'README.md')
const before = readFileSync(file, 'utf8')
const after = between(between(before, 'inputs', inputTable(manifest)), 'outputs', outputTable(manifest))
if (process.argv.includes('--check')) process.exitCode = after === before ? 0 : 1
else writeFileSync(file, after)
