import { describe, expect, it } from 'vitest'
import type { Facts } from '../src/facts.ts'
import { file, gemspec, handover, HEAD, inputsOf, problems, project } from './plan-facts.ts'

/** What the registry has. */
function live(platform: string, sha256: string): Partial<Facts> {
  return { published: new Map([['rack-lens', [{ version: '1.2.3', platform, sha256 }]]]) }
}

describe('what is released', () => {
  const HOST = 'https://gems.example.com'

  it.each<[string, string, string, string[]]>([
    ['', HOST, 'no limit', []],
    [HOST, HOST, 'the same', []],
    [`${HOST}/`, HOST, 'the same with a slash', []],
    [`${HOST}:443`, HOST, 'the same with its port', []],
    ['https://rubygems.org', HOST, 'another', ['push-host-mismatch']],
    [HOST, 'https://rubygems.org', 'another', ['push-host-mismatch']],
    ['https://rubygems.org', 'http://127.0.0.1:9292', 'one that is rehearsed', []],
    [HOST, 'http://127.0.0.1:9292', 'another than is rehearsed', ['push-host-mismatch']],
    [`${HOST}:8443`, HOST, 'another port', ['push-host-mismatch']],
    ['http://gems.example.com', HOST, 'another scheme', ['push-host-mismatch']],
    ['TODO: Set to your gem server', HOST, 'the template’s', ['push-host-mismatch']],
  ])('allowed_push_host "%s" for %s: %s', (allowed, server, _, codes) => {
    const metadata = new Map([['allowed_push_host', allowed]])
    const known = { project: project({ gemspecs: [gemspec({ metadata })] }) }
    expect(problems(known, inputsOf({ 'gem-server': server }))).toEqual(codes)
    expect(problems(handover([file({ metadata })]), inputsOf({ 'gem-server': server, gems: '*.gem' }))).toEqual(codes)
  })

  it('is compared with what is published: by platform and digest, for files', () => {
    const inputs = inputsOf({ gems: '*.gem' })
    expect(problems(handover([file()], live('ruby', 'f'.repeat(64))), inputs)).toEqual([])
    expect(problems(handover([file()], live('java', '0'.repeat(64))), inputs)).toEqual([])
    expect(problems(handover([file()], live('ruby', '0'.repeat(64))), inputs)).toEqual(['version-taken'])
    // What a build will give is not known yet.
    expect(problems(live('ruby', '0'.repeat(64)))).toEqual([])
  })

  it('needs a checkout, and a clean one, where it is built', () => {
    expect(problems({ checkout: undefined })).toEqual(['no-checkout'])
    expect(problems({ checkout: { head: HEAD, committedAt: 0, dirty: ['Gemfile.lock'], branch: 'main' } })).toEqual([
      'dirty-checkout',
    ])
  })

  it.each([
    ['1.2.3', []],
    ['1.2.4', ['version-mismatch']],
    ['1.2.3.0', ['version-mismatch']],
  ])('is the expected version %s', (version, codes) => {
    expect(problems({}, inputsOf({ 'expected-version': version }))).toEqual(codes)
  })
})
