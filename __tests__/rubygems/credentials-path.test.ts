import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { describe, expect, it } from 'vitest'
import { credentialsPath, restoreCredentials } from '../../src/rubygems/credentials-file.ts'
import { here, kept, KEY, put, refusal, SECRET, snapshot, usePlace, write } from './credentials-home.ts'

usePlace()

function shared(...parts: string[]): string {
  return join(here().home, ...parts, 'gem', 'credentials')
}

/** Where this machine's RubyGems looks. */
function ask(XDG_DATA_HOME?: string): string {
  const env = { PATH: process.env['PATH'], HOME: here().home, ...(XDG_DATA_HOME && { XDG_DATA_HOME }) }
  const script = 'print Gem.configuration.credentials_path'
  return execFileSync('ruby', ['-rrubygems', '-e', script], { env, encoding: 'utf8' })
}

describe('credentialsPath', () => {
  it('is ~/.gem/credentials when it exists, whatever else does', async () => {
    put(here().path, '')
    put(shared('.local', 'share'), '')
    put(shared('data'), '')
    expect(await credentialsPath({ HOME: here().home, XDG_DATA_HOME: join(here().home, 'data') })).toBe(here().path)
  })

  it('is the file below XDG_DATA_HOME, or its default, when only that exists', async () => {
    put(shared('.local', 'share'), '')
    expect(await credentialsPath({ HOME: here().home })).toBe(shared('.local', 'share'))
    put(shared('data'), '')
    expect(await credentialsPath({ HOME: here().home, XDG_DATA_HOME: join(here().home, 'data') })).toBe(shared('data'))
  })

  it('does not look below the default when XDG_DATA_HOME is set', async () => {
    put(shared('.local', 'share'), '')
    for (const XDG_DATA_HOME of [join(here().home, 'data'), '', 'data']) {
      expect(await credentialsPath({ HOME: here().home, XDG_DATA_HOME })).toBe(here().path)
    }
  })

  it('does not depend on the current directory', async () => {
    put(shared('data'), '')
    const current = process.cwd()
    process.chdir(here().home)
    const path = await credentialsPath({ HOME: here().home, XDG_DATA_HOME: 'data' }).finally(() =>
      process.chdir(current),
    )
    expect(path).toBe(here().path)
  })

  it('is ~/.gem/credentials when there is none', async () => {
    expect(await credentialsPath({ HOME: here().home })).toBe(here().path)
    expect(await credentialsPath({ USERPROFILE: here().home })).toBe(here().path)
    expect(await credentialsPath({ HOME: here().home, USERPROFILE: here().root })).toBe(here().path)
  })

  it('agrees with RubyGems on existing files', async () => {
    const data = join(here().home, 'data')
    put(shared('data'), '')
    put(shared('.local', 'share'), '')
    expect(ask()).toBe(await credentialsPath({ HOME: here().home }))
    expect(ask(data)).toBe(await credentialsPath({ HOME: here().home, XDG_DATA_HOME: data }))
    put(here().path, '')
    expect(ask(data)).toBe(await credentialsPath({ HOME: here().home, XDG_DATA_HOME: data }))
  })

  it.each([{}, { HOME: '' }, { HOME: 'relative' }])('refuses %j', async (env) => {
    expect((await refusal(credentialsPath(env))).code).toBe('credentials-file')
  })

  it('writes to the shared place and puts it back', async () => {
    put(shared('.local', 'share'), '---\nhttps://a.example: x\n', 0o644)
    const before = snapshot(here().root)
    const path = await credentialsPath({ HOME: here().home })
    const receipt = await write({ path })
    expect(readFileSync(path, 'utf8')).toBe(`---\nhttps://a.example: x\n${KEY}: ${SECRET}\n`)
    expect((await restoreCredentials(kept(receipt))).outcome).toBe('restored')
    expect(snapshot(here().root)).toEqual(before)
  })
})
