import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { objectsAt, stringAt } from '../../src/json.ts'
import { read } from './workflow-texts.ts'

/** Stands in for GitHub's command-line client: writes down what it is asked, and answers from files beside it. */
const GH = `#!/usr/bin/env bash
here="$(dirname "\${BASH_SOURCE[0]}")"
printf '%s\\n' "$*" >>"$here/asked"
case "$*" in
  *"release view"*) cat "$here/draft" 2>/dev/null || exit 1 ;;
  *matching-refs*) [ -e "$here/refs" ] && cat "$here/refs" || exit 1 ;;
  *"git/ref/tags/"*) [ -e "$here/major" ] ;;
  *"release verify"*) [ "$(grep -c verify "$here/asked")" -ge "$(cat "$here/signed" 2>/dev/null || echo 1)" ] ;;
esac
`

const workflow: unknown = parse(read('.github/workflows/publish-action.yml'))
let directory: string
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'release-gem-publish-'))
  writeFileSync(path.join(directory, 'gh'), GH)
  // Waiting takes no time here.
  writeFileSync(path.join(directory, 'sleep'), '#!/bin/sh\n')
  for (const name of ['gh', 'sleep']) chmodSync(path.join(directory, name), 0o755)
})
afterEach(() => {
  rmSync(directory, { recursive: true })
})

/** What a step of the workflow asks of GitHub, when its script runs as the runner runs it. */
function asked(job: string, step: string, tag: string, answers: Record<string, string>): string[] {
  for (const [name, text] of Object.entries(answers)) writeFileSync(path.join(directory, name), text)
  const found = objectsAt(workflow, 'jobs', job, 'steps').find((one) => stringAt(one, 'name') === step)
  expect(stringAt(workflow, 'defaults', 'run', 'shell')).toBe('bash')
  const args = ['--noprofile', '--norc', '-eo', 'pipefail', '-c', stringAt(found, 'run') ?? 'exit 99']
  const { status, stdout, stderr } = spawnSync('bash', args, {
    encoding: 'utf8',
    env: {
      PATH: `${directory}:/usr/bin:/bin`,
      GH_REPO: 'octo/release-gem',
      TAG: tag,
      GITHUB_SHA: 'a1'.repeat(20),
    },
  })
  const file = path.join(directory, 'asked')
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  if (status !== 0) return [...lines, `failed with ${String(status)}: ${stdout}${stderr}`]
  return stdout === '' ? lines : [...lines, stdout.trim()]
}

function publish(answers: Record<string, string>): string[] {
  return asked('publish', 'Publish the release', 'v1.2.3', answers).slice(1)
}

function move(tag: string, refs: string[], answers: Record<string, string> = { major: '' }): string[] {
  const step = 'Move it to this release, unless there is a newer one'
  return asked('major', step, tag, { ...answers, refs: refs.map((name) => `refs/tags/${name}\n`).join('') })
}

describe('publishing a release of this action', () => {
  const upload = 'release upload v1.2.3 --clobber release/SHA256SUMS release/sbom.cdx.json'
  const last = ['release edit v1.2.3 --draft=false', 'release verify v1.2.3']

  it('makes a draft, adds the assets, publishes, and looks whether it is immutable', () => {
    const create = 'release create v1.2.3 --verify-tag --draft --title v1.2.3 --notes-file release/notes.md'
    expect(publish({})).toEqual([create, upload, ...last])
  })

  it('goes on with the draft of a run that was stopped', () => {
    expect(publish({ draft: 'true\n' })).toEqual([upload, ...last])
  })

  it('leaves a published release alone', () => {
    expect(publish({ draft: 'false\n' })).toEqual([last[1]])
  })
})

describe('a release that GitHub has not signed', () => {
  const published = { draft: 'false\n' }

  it('is waited for', () => {
    expect(publish({ ...published, signed: '3' })).toEqual(Array.from({ length: 3 }, () => 'release verify v1.2.3'))
  })

  it('is an error in the end: releases are not immutable', () => {
    const lines = publish({ ...published, signed: '99' })
    expect(lines.filter((line) => line === 'release verify v1.2.3')).toHaveLength(6)
    expect(lines.at(-1)).toMatch(/^failed with 1: ::error::v1\.2\.3 is published, but not immutable/)
  })
})

describe('moving the major tag', () => {
  const sha = `sha=${'a1'.repeat(20)}`

  it('goes to the newest release, counted and not spelled', () => {
    expect(move('v1.10.0', ['v1.2.3', 'v1.10.0', 'v1.9.9', 'v1.11.0-rc.1']).at(-1)).toBe(
      `api --method PATCH repos/octo/release-gem/git/refs/tags/v1 -f ${sha} -F force=true`,
    )
  })

  it('is made with the first release', () => {
    expect(move('v2.0.0', ['v2.0.0'], {}).at(-1)).toBe(
      `api --method POST repos/octo/release-gem/git/refs -f ref=refs/tags/v2 -f ${sha}`,
    )
  })

  it('does not go back for an older line that is kept up', () => {
    const lines = move('v1.2.4', ['v1.2.4', 'v1.3.0'])
    expect(lines.at(-1)).toBe('::notice::v1 stays: v1.3.0 is newer than v1.2.4')
    expect(lines.filter((line) => line.includes('--method'))).toEqual([])
  })

  it('fails where the tags cannot be read, and moves nothing', () => {
    const lines = asked('major', 'Move it to this release, unless there is a newer one', 'v1.2.3', { major: '' })
    expect(lines.at(-1)).toMatch(/^failed with/)
    expect(lines.filter((line) => line.includes('--method'))).toEqual([])
  })
})
