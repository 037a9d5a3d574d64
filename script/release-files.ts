import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { readMaterials, ROOT } from './materials.ts'
import { releaseContents } from './release-contents.ts'

/** `release-files TAG DIRECTORY` writes what the release of this action at TAG consists of, or says why it may not be. */

const [tag, directory] = process.argv.slice(2)
if (tag === undefined || directory === undefined) {
  process.stderr.write('usage: release-files TAG DIRECTORY\n')
  process.exit(1)
}
try {
  const changelog = readFileSync(path.join(ROOT, 'CHANGELOG.md'), 'utf8')
  const files = releaseContents(tag, changelog, readMaterials())
  mkdirSync(directory, { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
