import { describe, expect, it } from 'vitest'
import { adviceFor, meaningOf, type PushMeaning } from '../../src/rubygems/push-answer.ts'
import { gemServer } from '../../src/server.ts'

const RUBYGEMS = gemServer(new URL('https://rubygems.org'))
const OTHER = gemServer(new URL('https://gems.example.com'))

function answer(status: number, text: string) {
  return { status, text, bytes: Buffer.from(text), json: undefined, headers: { get: () => undefined } }
}

/** Every text of rubygems.org's push (app/models/pusher.rb, app/controllers/api/v1/rubygems_controller.rb). */
const TEXTS: readonly [status: number, text: string, meaning: PushMeaning, advice?: RegExp][] = [
  [200, 'Successfully registered gem: lens (1.0.0)', 'registered'],
  [200, 'Successfully registered gem: lens (1.0.0-x86_64-linux)\n\n[WARNING] enable MFA', 'registered'],
  [200, 'Gem was already pushed: lens (1.0.0)', 'already-pushed'],
  [200, '<!DOCTYPE html><html></html>', 'unclear'],
  [200, '', 'unclear'],
  [200, '{"ok": true}', 'unclear'],
  [202, 'Accepted', 'unclear'],
  [304, '', 'unclear'],
  [400, 'Pushing with an attestation requires trusted publishing', 'refused'],
  [400, 'There was a problem saving your gem. no', 'refused'],
  [401, 'Access Denied. Please sign up for an account at https://rubygems.org', 'key-refused'],
  [401, '<html>proxy</html>', 'refused'],
  [403, 'This API key cannot perform the specified action on this gem.', 'refused', /scope/],
  [403, 'You are not allowed to push this gem.', 'not-attached'],
  [403, 'You do not have permission to push to this gem. Ask an owner to add you with: …', 'refused'],
  [403, 'This gem name is reserved. You are not allowed to push this gem.', 'refused', /another name/],
  [
    403,
    'Rubygem requires owners to enable MFA. You must enable MFA before pushing new version.',
    'refused',
    /multi-factor/,
  ],
  [403, 'There was a problem saving your gem: A version already exists with this number or platform', 'live'],
  [403, 'There was a problem saving your gem: Number has already been taken', 'live'],
  [
    403,
    "There was a problem saving your gem: Name 'lns' is too similar to an existing gem named 'lens'",
    'refused',
    /dashes/,
  ],
  [403, 'There was a problem saving your gem: Number cannot contain a dash (it will be uninstallable)', 'refused'],
  [
    403,
    'There was a problem saving your gem: Canonical number has already been taken. Existing version: 1.0',
    'refused',
    /spelling/,
  ],
  [403, '<html>Forbidden</html>', 'refused'],
  [404, 'No pending publisher found', 'all-yanked'],
  [404, '<html>Not found</html>', 'refused'],
  [409, 'Repushing of gem versions is not allowed.\nPlease bump the version number', 'live'],
  [409, 'A yanked version already exists (lens-1.0.0).\nRepushing of gem versions is not allowed.', 'yanked'],
  [409, 'A yanked version pushed by a previous owner of this gem already exists (lens-1.0.0).\nRepushing …', 'yanked'],
  [409, 'It appears that lens-1.0.0 did not finish pushing.\nPlease contact support', 'unfinished'],
  [409, 'Unable to change case of gem name with indexed versions\nPlease delete', 'refused', /spelling/],
  [409, 'There was a problem saving your gem: the uploaded spec has malformed platform attributes', 'refused'],
  [413, '<html><head><title>413 Request Entity Too Large</title></head></html>', 'refused', /500 MB/],
  [422, 'RubyGems.org cannot process this gem.\nPlease try rebuilding it', 'refused', /gemspec/],
  [
    422,
    'RubyGems.org cannot process this gem.\nPushing gems where there are aliases in the YAML gemspec',
    'refused',
    /aliases/,
  ],
  [422, 'Attestation verification failed:\nno', 'refused', /signs anew/],
  [422, 'Must provide at least v0.3 bundles', 'refused'],
]

describe('meaningOf', () => {
  it.each(TEXTS)('%i %j is %s', (status, text, meaning) => {
    expect(meaningOf(answer(status, text), RUBYGEMS)).toBe(meaning)
  })

  it.each([
    [200, 'Gem pushed', 'registered'],
    [201, '', 'registered'],
    [200, '<html>a captive portal</html>', 'unclear'],
    [302, '', 'unclear'],
    [409, 'Repushing of gem versions is not allowed.', 'live'],
    [409, 'exists', 'refused'],
  ] as const)('of another server: %i %j is %s', (status, text, meaning) => {
    expect(meaningOf(answer(status, text), OTHER)).toBe(meaning)
  })
})

describe('adviceFor', () => {
  it.each(TEXTS.filter(([, , , advice]) => advice !== undefined))('%i %j', (status, text, _meaning, advice) => {
    expect(adviceFor(answer(status, text))).toMatch(advice ?? '')
  })

  it.each(TEXTS.filter(([, , , advice]) => advice === undefined))('has nothing to add to %i %j', (status, text) => {
    expect(adviceFor(answer(status, text))).toBeUndefined()
  })
})
